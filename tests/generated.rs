//! Generated exchanges to all four frameworks behind their own servers: one answer.

use neurolink::Framework;
use neurolink_conformance::generate::{Options, generate};
use neurolink_conformance::{Column, Divergences, Running, Subject as _, reference};

/// What an adapter's file says that its framework forces.
fn divergences(framework: Framework) -> Divergences {
    let text = match framework {
        Framework::Axum => include_str!("../adapter-axum/divergences.toml"),
        Framework::Actix => include_str!("../adapter-actix/divergences.toml"),
        Framework::Warp => include_str!("../adapter-warp/divergences.toml"),
        _ => include_str!("../adapter-poem/divergences.toml"),
    };
    Divergences::parse(text).expect("a valid file")
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a whole number"))
}

#[test]
fn every_generated_exchange_gets_one_answer_on_all_frameworks() {
    let servers: Vec<(Framework, Divergences, Running)> = Framework::ALL
        .into_iter()
        .map(|framework| {
            let adapter = framework.adapter().expect("compiled in");
            let running = reference::Served::by(adapter).start("reference").expect("starts");
            (framework, divergences(framework), running)
        })
        .collect();
    let columns: Vec<Column<'_>> = servers
        .iter()
        .map(|(framework, divergences, running)| {
            Column::new(framework.as_str(), running.addr).with_divergences(divergences)
        })
        .collect();
    let report = generate(
        &columns,
        Options {
            requests: number("NEUROLINK_DIFF_REQUESTS", 20_000),
            seed: number("NEUROLINK_DIFF_SEED", 1),
            from: number("NEUROLINK_DIFF_FROM", 0),
            progress: &|it| eprintln!("{it:?}"),
            ..Options::default()
        },
    );
    println!("{report}");
    for (_, _, running) in servers {
        (running.stop)();
    }
    assert!(report.is_clean(), "{report}");
}
