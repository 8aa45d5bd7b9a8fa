//! Events as lines of log, so many and no more.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{SecurityEvent, SecurityEventKind};

/// Lines of one kind in a window.
const LINES: u32 = 100;
/// The window.
const WINDOW: Duration = Duration::from_secs(10);
/// Kinds of events; failures to authenticate are one for each class.
const KINDS: usize = 14;

/// Writes events as `tracing` events with the target `neurolink::security`: of each kind 100 in 10 s.
///
/// Each kind has lines of its own, so that a flood of one hides no other.
#[derive(Default)]
pub(crate) struct SecurityLog(Mutex<[Window; KINDS]>);

#[derive(Default)]
struct Window {
    since: Duration,
    lines: u32,
    left_out: u64,
}

/// What is said beside an event that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    /// How many of its kind were left out since the last one that was written.
    left_out: u64,
    /// Whether more of its kind are left out until the window ends.
    is_last: bool,
}

impl Window {
    /// A line, unless there were enough of them.
    fn line(&mut self, now: Duration) -> Option<Line> {
        // A clock that was put back begins anew, too.
        if now.abs_diff(self.since) >= WINDOW {
            (self.since, self.lines) = (now, 0);
        }
        if self.lines == LINES {
            self.left_out += 1;
            return None;
        }
        self.lines += 1;
        Some(Line { left_out: std::mem::take(&mut self.left_out), is_last: self.lines == LINES })
    }
}

impl SecurityLog {
    pub(super) fn write(&self, event: &SecurityEvent<'_>) {
        let granted = matches!(event.kind, SecurityEventKind::AccessGranted { .. });
        if granted && !tracing::enabled!(target: "neurolink::security", tracing::Level::DEBUG) {
            return;
        }
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = windows[place(&event.kind)].line(event.time);
        drop(windows);
        if let Some(line) = line {
            write(event, line);
        }
    }
}

/// Each kind's window.
const fn place(kind: &SecurityEventKind<'_>) -> usize {
    match kind {
        SecurityEventKind::AccessDenied { .. } => 0,
        SecurityEventKind::AccessGranted { .. } => 1,
        SecurityEventKind::LockoutBegan { .. } => 2,
        SecurityEventKind::Unavailable { .. } => 3,
        SecurityEventKind::KeyIssued { .. } => 4,
        SecurityEventKind::KeyRevoked { .. } => 5,
        SecurityEventKind::FamilyRevoked { .. } => 6,
        // Who only has no credentials hides nobody who guesses.
        SecurityEventKind::AuthenticationFailed { reason, .. } => 7 + *reason as usize,
    }
}

/// What only some kinds have.
#[derive(Default)]
struct Extra<'a> {
    reason: Option<&'a str>,
    detail: Option<&'a str>,
    required: Option<String>,
    decider: Option<&'a str>,
    key: Option<&'a str>,
    family: Option<&'a str>,
    user: Option<&'a str>,
    owner: Option<&'a str>,
}

impl<'a> Extra<'a> {
    fn of(kind: &'a SecurityEventKind<'_>) -> Self {
        let none = Self::default();
        match kind {
            SecurityEventKind::AuthenticationFailed { reason, detail } => Self {
                reason: Some(reason.name()),
                detail: Some(detail).filter(|it| !it.is_empty()).map(AsRef::as_ref),
                ..none
            },
            SecurityEventKind::AccessDenied { required } | SecurityEventKind::AccessGranted { required } => {
                Self { required: Some(required.to_string()), ..none }
            }
            SecurityEventKind::LockoutBegan { user } => Self { user: user.as_deref(), ..none },
            SecurityEventKind::Unavailable { decider } => Self { decider: Some(decider), ..none },
            SecurityEventKind::KeyIssued { key, owner } => Self { key: Some(key), owner: Some(owner), ..none },
            SecurityEventKind::KeyRevoked { key } => Self { key: Some(key), ..none },
            SecurityEventKind::FamilyRevoked { family, owner, reason } => {
                let owner = Some(owner.as_ref()).filter(|owner| !owner.is_empty());
                Self { family: Some(family), owner, reason: Some(reason), ..none }
            }
        }
    }
}

fn write(event: &SecurityEvent<'_>, line: Line) {
    let extra = Extra::of(&event.kind);
    macro_rules! write {
        ($level:ident, $message:literal) => {
            tracing::event!(
                target: "neurolink::security",
                tracing::Level::$level,
                event = event.kind.name(),
                request_id = event.request_id.map(crate::RequestId::as_str),
                client = event.client.map(tracing::field::display),
                subject = event.subject.as_deref(),
                tenant = event.tenant.as_deref(),
                route = event.route,
                path = event.path.as_deref(),
                method = event.method.as_deref(),
                reason = extra.reason,
                detail = extra.detail,
                required = extra.required.as_deref(),
                decider = extra.decider,
                key = extra.key,
                family = extra.family,
                user = extra.user,
                owner = extra.owner,
                left_out = (line.left_out > 0).then_some(line.left_out),
                is_last = line.is_last.then_some(true),
                $message
            )
        };
    }
    match event.kind {
        SecurityEventKind::AuthenticationFailed { .. } => write!(WARN, "Security event: authentication failed"),
        SecurityEventKind::AccessDenied { .. } => write!(WARN, "Security event: access denied"),
        SecurityEventKind::AccessGranted { .. } => write!(DEBUG, "Security event: access granted"),
        SecurityEventKind::LockoutBegan { .. } => write!(WARN, "Security event: lockout began"),
        SecurityEventKind::Unavailable { .. } => write!(ERROR, "Security event: nobody could decide"),
        SecurityEventKind::KeyIssued { .. } => write!(INFO, "Security event: key issued"),
        SecurityEventKind::KeyRevoked { .. } => write!(INFO, "Security event: key revoked"),
        SecurityEventKind::FamilyRevoked { .. } => write!(WARN, "Security event: family revoked"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::AuthenticationFailure::*;
    use super::super::Required;
    use super::*;

    const NOW: Duration = Duration::from_secs(1_700_000_000);

    #[test]
    fn a_flood_is_a_hundred_lines_and_a_number() {
        let mut window = Window::default();
        let lines: Vec<Line> = (0..1000).filter_map(|_| window.line(NOW)).collect();
        assert_eq!(lines.len(), 100);
        assert!(lines[99].is_last && lines[..99].iter().all(|line| !line.is_last));
        assert_eq!(window.line(NOW + WINDOW - Duration::from_nanos(1)), None);
        assert_eq!(window.line(NOW + WINDOW), Some(Line { left_out: 901, is_last: false }));
        assert_eq!(window.line(NOW + WINDOW), Some(Line { left_out: 0, is_last: false }));
    }

    #[test]
    fn a_clock_that_is_put_back_does_not_silence_it() {
        let mut window = Window::default();
        assert_eq!((0..1000).filter_map(|_| window.line(NOW)).count(), 100);
        assert!(window.line(NOW - Duration::from_secs(3600)).is_some());
    }

    #[test]
    fn a_flood_of_one_kind_hides_no_other() {
        let mut kinds = vec![
            SecurityEventKind::AccessDenied { required: Required::default() },
            SecurityEventKind::AccessGranted { required: Required::default() },
            SecurityEventKind::Unavailable { decider: "".into() },
            SecurityEventKind::LockoutBegan { user: None },
            SecurityEventKind::KeyIssued { key: "".into(), owner: "".into() },
            SecurityEventKind::KeyRevoked { key: "".into() },
            SecurityEventKind::FamilyRevoked { family: "".into(), owner: "".into(), reason: "".into() },
        ];
        for reason in [Missing, Malformed, Invalid, Expired, Revoked, Conflict, Throttled] {
            kinds.push(SecurityEventKind::AuthenticationFailed { reason, detail: "".into() });
        }
        let places: std::collections::BTreeSet<usize> = kinds.iter().map(place).collect();
        assert_eq!(places.into_iter().collect::<Vec<_>>(), (0..KINDS).collect::<Vec<_>>());
    }
}
