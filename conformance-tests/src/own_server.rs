//! What also runs behind a framework's own server, in place of our accept loop: an adapter must not lean on that.

use crate::case::Case;
use crate::function::FunctionCase;

/// The areas of which everything runs there.
pub const OWN_SERVER_AREAS: [&str; 7] = ["routing", "auth", "headers", "body", "sse", "cancel", "backpressure"];

/// Conversations of other areas that the server decides: how long it waits, and what a client that leaves leaves behind.
const CONVERSATIONS: [&str; 10] = [
    "http/pipelined-answers-keep-their-order",
    "http/an-unread-body-is-skipped",
    "http/an-unread-body-is-not-waited-for",
    "http/half-of-a-request-is-refused",
    "http/resets-do-no-harm",
    "http/silent-connection-is-closed",
    "http/slow-head-is-given-up",
    "http/slow-head-behind-a-request-is-given-up",
    "connections/a-slow-answer-keeps-later-ones-in-order",
    "connections/a-thousand-idle-ones-harm-nobody",
];

/// What does not: they stop the server, and how it stops is the host's.
const STOPPING: [&str; 1] = ["cancel/client-leaves-inside-the-body"];

/// Whether a case runs there.
pub(crate) fn holds(case: &Case) -> bool {
    OWN_SERVER_AREAS.contains(&case.area())
}

/// Whether a conversation runs there.
pub(crate) fn holds_function(case: &FunctionCase) -> bool {
    let area = case.id.split('/').next().unwrap_or_default();
    (OWN_SERVER_AREAS.contains(&area) && !STOPPING.contains(&case.id)) || CONVERSATIONS.contains(&case.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::area::{behaviours, function_cases};

    #[test]
    fn the_lists_name_areas_and_conversations_that_there_are() {
        let areas = behaviours().unwrap();
        assert!(OWN_SERVER_AREAS.iter().all(|area| areas.contains_key(*area)));
        for id in CONVERSATIONS.iter().chain(&STOPPING) {
            assert!(function_cases().iter().any(|case| case.id == *id), "{id}");
        }
    }
}
