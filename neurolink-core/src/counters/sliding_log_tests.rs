use proptest::prelude::*;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);
const START: Duration = Duration::from_secs(1_700_000_000);

fn passing(logs: &Logs, key: &[u8], now: Duration) -> usize {
    (0..1000).take_while(|_| logs.take(key, 1, now).charge.is_some()).count()
}

// Shows S0-21.
#[test]
fn a_hundred_come_again_when_the_window_has_passed_and_not_before() {
    let logs = Logs::new(1000, 100, MINUTE);
    assert_eq!(passing(&logs, b"a", START), 100);
    assert_eq!(passing(&logs, b"a", START + Duration::from_millis(59_900)), 0);
    assert_eq!(passing(&logs, b"a", START + Duration::from_millis(60_100)), 100);
}

// Shows S0-21.
#[test]
fn no_double_burst_passes_at_an_edge() {
    let logs = Logs::new(1000, 10, MINUTE);
    assert!(logs.take(b"a", 1, START).charge.is_some());
    assert_eq!(passing(&logs, b"a", START + Duration::from_secs(59)), 9);
    assert_eq!(passing(&logs, b"a", START + MINUTE), 1);
    let refused = logs.take(b"a", 1, START + MINUTE);
    assert_eq!((refused.remaining, refused.resets), (0, START + Duration::from_secs(119)));
}

#[test]
fn what_is_given_back_can_be_taken_again() {
    let logs = Logs::new(1000, 2, MINUTE);
    let first = logs.take(b"a", 1, START).charge.expect("one");
    logs.take(b"a", 1, START + Duration::from_secs(30));
    logs.give_back(first, START);
    assert_eq!(passing(&logs, b"a", START + Duration::from_secs(30)), 1);
    assert_eq!(logs.take(b"a", 1, START + Duration::from_secs(31)).resets, START + Duration::from_secs(90));
}

#[test]
fn what_more_costs_counts_as_long_as_any_other() {
    let logs = Logs::new(1000, 3, MINUTE);
    let charge = logs.take(b"a", 1, START).charge.expect("one");
    logs.charge_more(charge, 50, START + Duration::from_secs(10));
    assert_eq!(logs.take(b"a", 1, START + MINUTE).resets, START + Duration::from_secs(70));
    assert_eq!(passing(&logs, b"a", START + Duration::from_secs(70)), 3);
}

#[test]
fn what_more_costs_finds_room_when_the_logs_of_others_can_make_it() {
    let logs = Logs::new(40, 10, MINUTE);
    for key in 0..38_u8 {
        assert!(logs.take(&[key], 1, START).charge.is_some());
    }
    let charge = logs.take(b"costly", 1, START).charge.expect("one");
    logs.charge_more(charge, 9, START);
    assert_eq!(logs.take(b"costly", 1, START).charge, None, "all ten are charged");
    let shard = logs.shards()[0].lock().expect("not poisoned");
    assert!(shard.held <= shard.room && shard.held == shard.logs.values().map(|log| log.times.len()).sum::<usize>());
}

#[test]
fn what_more_costs_takes_what_is_left_when_all_others_are_at_their_limit() {
    let logs = Logs::new(25, 10, MINUTE);
    assert_eq!(passing(&logs, b"a", START) + passing(&logs, b"b", START), 20);
    let charge = logs.take(b"costly", 1, START).charge.expect("one");
    logs.charge_more(charge, 9, START);
    let shard = logs.shards()[0].lock().expect("not poisoned");
    assert_eq!((shard.held, shard.room), (25, 25));
}

#[test]
fn a_key_with_the_largest_share_has_room_for_all_of_it() {
    let logs = Logs::new(10_000, 100, MINUTE);
    let most = 100 * MOST_SHARES;
    let passed = (0..most + 10).filter(|_| logs.take(b"48", 16, START).charge.is_some()).count();
    assert_eq!(passed, most);
}

#[test]
fn a_request_that_asks_late_keeps_the_order_and_a_clock_may_go_back() {
    let logs = Logs::new(1000, 2, MINUTE);
    logs.take(b"a", 1, START);
    let late = logs.take(b"a", 1, START - Duration::from_secs(30));
    assert_eq!((late.charge.is_some(), late.resets), (true, START + MINUTE));
    assert_eq!(passing(&logs, b"a", START - Duration::from_secs(30)), 0);
    assert_eq!(passing(&logs, b"a", START - Duration::from_secs(3600)), 2);
}

#[test]
fn memory_does_not_grow_with_keys_of_logs_and_a_refused_key_stays_refused() {
    let logs = Logs::new(10_000, 100, MINUTE);
    assert_eq!(passing(&logs, b"greedy", START), 100);
    for key in 0..100_000_u32 {
        logs.take(&key.to_be_bytes(), 1, START);
    }
    assert_eq!(logs.take(b"greedy", 1, START).charge, None);
    for shard in logs.shards() {
        let shard = shard.lock().expect("not poisoned");
        assert_eq!(shard.held, shard.logs.values().map(|log| log.times.len()).sum::<usize>());
        assert!(shard.held <= shard.room && shard.logs.len() <= shard.room);
    }
    assert!(logs.shards().iter().map(|shard| shard.lock().expect("not poisoned").room).sum::<usize>() <= 10_000);
}

#[test]
fn a_shard_full_of_refused_keys_gives_new_ones_a_shared_log_until_one_ends() {
    let logs = Logs::new(80, 10, MINUTE);
    for key in 0..8_u8 {
        assert_eq!(passing(&logs, &[key], START), 10);
    }
    assert_eq!(passing(&logs, b"new", START) + passing(&logs, b"newer", START), 10);
    let shard = logs.shards()[0].lock().expect("not poisoned");
    assert_eq!((shard.held, shard.logs.len()), (80, 8));
    drop(shard);
    assert_eq!(passing(&logs, b"new", START + MINUTE), 10);
}

#[test]
fn a_key_that_got_everything_back_takes_no_room() {
    let logs = Logs::new(1000, 10, MINUTE);
    for key in 0..100_u8 {
        let charge = logs.take(&[key], 1, START).charge.expect("one");
        logs.give_back(charge, START);
    }
    let shard = logs.shards()[0].lock().expect("not poisoned");
    assert_eq!((shard.held, shard.logs.len()), (0, 0));
}

#[test]
fn a_log_that_has_emptied_does_not_keep_its_memory() {
    let logs = Logs::new(10_000, 1000, MINUTE);
    assert_eq!(passing(&logs, b"a", START), 1000);
    logs.take(b"a", 1, START + MINUTE);
    let shard = logs.shards()[0].lock().expect("not poisoned");
    assert_eq!((shard.held, shard.logs[0].times.spilled()), (1, false));
    assert!(size_of::<(usize, u128, Log)>() <= 64, "what the map keeps of a key");
}

proptest! {
    // Shows S0-21, O-D19.
    #[test]
    fn never_more_than_the_limit_in_any_window_and_waiting_is_enough_and_no_longer(
        limit in 1_u32..8,
        window in 1_u64..500,
        steps in proptest::collection::vec((0_u64..100, 0_u32..4), 1..100),
    ) {
        let (mut log, mut now, mut passed) = (Log::default(), 1_000_000, Vec::new());
        for (step, act) in steps {
            now += step;
            log.expire(window, now);
            let decision = log.take(window, limit, now);
            let Some(stamp) = decision.charged else {
                let passes = |at| {
                    let mut log = log.clone();
                    log.expire(window, at);
                    log.take(window, limit, at).charged.is_some()
                };
                prop_assert!(passes(decision.resets) && !passes(decision.resets - 1));
                continue;
            };
            match act {
                0 => log.give_back(stamp),
                1 => {
                    log.charge_more(2, now);
                    passed.extend([now; 3]);
                }
                _ => passed.push(now),
            }
            let counting = passed.iter().filter(|time| *time + window > now).count();
            let most = limit as usize + if act == 1 { 2 } else { 0 };
            prop_assert!(counting <= most);
            prop_assert_eq!(log.times.len(), counting.min(limit as usize));
            prop_assert!(decision.remaining < limit);
        }
    }
}

#[test]
fn looking_tells_what_taking_would_and_takes_nothing() {
    let logs = Logs::new(1000, 2, MINUTE);
    for left in [1, 0] {
        let looked = [logs.look(b"a", 1, START), logs.look(b"a", 1, START)];
        let taken = logs.take(b"a", 1, START);
        assert_eq!((looked, taken.remaining), ([taken; 2], left));
    }
    assert_eq!(logs.look(b"a", 1, START), logs.take(b"a", 1, START));
    assert_eq!((logs.look(b"a", 1, START).charge, logs.look(b"a", 1, START).resets), (None, START + MINUTE));
    assert!(logs.look(b"a", 1, START + MINUTE).charge.is_some());
    assert!(logs.look(b"b", 1, START).charge.is_some(), "another key");
}

#[test]
fn a_key_that_has_taken_none_can_be_charged_and_each_charge_counts_from_its_own_time() {
    let logs = Logs::new(1000, 1, MINUTE);
    for second in [0, 50, 100] {
        let now = START + Duration::from_secs(second);
        logs.charge(b"a", 1, 1, now);
        assert_eq!(logs.look(b"a", 1, now).resets, now + MINUTE);
    }
}

#[test]
fn a_charge_without_room_is_nobodys() {
    let logs = Logs::new(8, 1, MINUTE);
    for key in 0..100_u8 {
        logs.charge(&[key], 1, 1, START);
    }
    let charged = (0..100_u8).filter(|key| logs.look(&[*key], 1, START).charge.is_none()).count();
    assert_eq!(charged, 8);
    assert!(logs.take(b"another", 1, START).charge.is_some(), "what keys share is not charged");
}
