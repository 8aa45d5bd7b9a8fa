//! The conversations: one file a subject.

mod concurrent;
mod connection;
mod limits;
mod streams;
mod timing;

use crate::case::Level;
use crate::function::{Ctx, Failure, FunctionCase};

const fn must(id: &'static str, source: &'static str, run: fn(&Ctx) -> Result<(), Failure>) -> FunctionCase {
    FunctionCase { id, level: Level::Must, source, covers: &[], needs: "reference", run }
}

impl FunctionCase {
    const fn covers(mut self, covers: &'static [&'static str]) -> Self {
        self.covers = covers;
        self
    }
}

/// Every case that is written as code.
pub(crate) const ALL: &[FunctionCase] = &[
    must("requestid/same-client-id-does-not-mix-users", "O-D2; O-D3; P-D5; V27", concurrent::same_id),
    must("requestid/ids-are-unique", "O-D42; V57", concurrent::unique_ids),
    must("requestid/header-and-body-agree", "original 1.1; V57", concurrent::one_id),
    must("http/pipelined-answers-keep-their-order", "RFC 9112 9.3.2", connection::pipelined),
    must("http/request-in-pieces", "RFC 9112 2.2", connection::in_pieces),
    must("http/keep-alive-after-an-error", "RFC 9112 9.3; V12", connection::after_error),
    must("http/keep-alive-after-an-unread-body", "RFC 9112 9.3", connection::after_unread_body),
    must("http/unfinished-body-does-not-keep-the-connection", "RFC 9112 9.5; design 6", connection::unfinished_body),
    must("http/keep-alive-after-head", "RFC 9110 9.3.2; V3", connection::after_head),
    must("http/server-lives-after-clients-leave", "RFC 9112 9.5; V60; V61", connection::clients_leave),
    must("http/an-idle-connection-does-not-block-others", "RFC 9112 9.3", connection::idle),
    must("methods/head-has-the-length-of-get", "RFC 9110 9.3.2; V3", connection::head_length),
    must("body/slow-body-is-read-whole", "RFC 9112 6.3", timing::slow_body),
    must("body/too-large-is-told-before-the-body-is-sent", "RFC 9110 10.1.1; V20; V74", timing::early_413),
    must("body/chunked-too-large-is-told-before-its-end", "O-D20; V20; V74", timing::chunked_413),
    must("errors/timeout-comes-in-time", "V58; O-D22", timing::timeout),
    must("sse/events-come-one-by-one", "V62; frameworks 5 (Nagle)", streams::one_by_one),
    must("sse/server-lives-after-a-client-leaves", "V60; O-D23", streams::leave),
    must("sse/http10-is-not-chunked", "RFC 9112 6.1", streams::http10),
    must("limit/count-falls-and-the-next-is-refused", "V46; V47; V51; O-D17", limits::counts_down),
    must("limit/addresses-are-counted-apart", "V49; O-D18; P-D7", limits::apart),
    must("limit/forwarded-headers-are-not-believed", "V49; O-D18", limits::forwarded)
        .covers(&["S0-17", "S1-75", "S3-22"]),
    must("limit/head-shares-the-count-of-get", "RFC 9110 9.3.2; V48", limits::head),
    must("limit/reset-is-a-unix-time-within-the-window", "V46", limits::reset).covers(&["S0-24"]),
];
