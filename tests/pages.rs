//! What the documentation quotes is what runs.

/// The code blocks of a page.
fn blocks(page: &str) -> Vec<&str> {
    page.split("\n```").skip(1).step_by(2).filter_map(|block| Some(block.split_once('\n')?.1)).collect()
}

#[test]
fn the_adapter_page_quotes_the_adapter_that_the_suite_proves() {
    let blocks = blocks(include_str!("../docs/write-an-adapter.md"));
    let [_, adapter, proof] = blocks[..] else { panic!("the page has {} code blocks", blocks.len()) };
    assert_eq!(format!("{adapter}\n"), include_str!("../conformance-tests/src/hyper_adapter.rs"));
    let own = include_str!("../conformance-tests/tests/hyper.rs");
    let own = own.replace("neurolink_conformance::hyper_adapter::Hyper", "my_adapter::Hyper");
    assert_eq!(format!("{proof}\n"), own);
}

#[test]
fn the_adapter_of_the_page_is_short() {
    assert!(include_str!("../conformance-tests/src/hyper_adapter.rs").lines().count() < 150);
}
