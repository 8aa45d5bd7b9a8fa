//! Which vector belongs to which text.

use serde_json::{Value, json};

use crate::case::RequestSpec;
use crate::function::{Ctx, Failure, ensure, expect_status};

/// The vectors of several texts are those of each alone, in the order of the texts.
pub(super) fn keep_the_order(ctx: &Ctx) -> Result<(), Failure> {
    let texts = ["first", "second", "third"];
    let mut alone = Vec::new();
    for text in texts {
        alone.push(data(ctx, "embed", json!({ "text": text }))?["embedding"].take());
    }
    let differ = alone.iter().all(|one| one.is_array() && alone.iter().filter(|other| *other == one).count() == 1);
    ensure(differ, || format!("three texts do not have three vectors: {alone:?}"))?;
    let together = data(ctx, "embed-many", json!({ "texts": texts }))?["embeddings"].take();
    let place = |vector: &Value| alone.iter().position(|one| one == vector);
    let order: Vec<_> = together.as_array().into_iter().flatten().map(place).collect();
    ensure(order == [Some(0), Some(1), Some(2)], || {
        format!("the vectors are those of the texts {order:?}, and the texts were sent as 0, 1, 2")
    })
}

fn data(ctx: &Ctx, route: &str, body: Value) -> Result<Value, Failure> {
    let answer = ctx.ask(&RequestSpec {
        method: Some("POST".into()),
        path: Some(format!("/api/agent/{route}")),
        user: Some("user".into()),
        body_json: Some(body),
        ..RequestSpec::default()
    })?;
    expect_status(&answer, 200)?;
    Ok(answer.json().unwrap_or_default()["data"].take())
}
