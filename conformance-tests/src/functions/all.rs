//! Each conversation with its id, where it comes from and what it needs.

use super::{
    access_log, attack, backpressure, bodies, cancel, concurrency, concurrent, connection, crowd, drain, expect,
    expiry, http2, http2_attacks, identity, issued_keys, keryx, lifecycle, limits, logins, mistakes, passwords,
    smuggling, streams, timing, unread, vectors,
};
use crate::case::Level;
use crate::function::{Ctx, Failure, FunctionCase};

pub(crate) const fn must(id: &'static str, source: &'static str, run: fn(&Ctx) -> Result<(), Failure>) -> FunctionCase {
    FunctionCase {
        id,
        level: Level::Must,
        source,
        covers: &[],
        needs: "reference",
        by_address: false,
        inside: false,
        alone: false,
        http2: false,
        run,
    }
}

/// A case with a server of its own.
const fn alone(
    id: &'static str,
    needs: &'static str,
    source: &'static str,
    run: fn(&Ctx) -> Result<(), Failure>,
) -> FunctionCase {
    FunctionCase { needs, alone: true, ..must(id, source, run) }
}

/// A case that looks into a server of its own.
const fn inside(
    id: &'static str,
    needs: &'static str,
    source: &'static str,
    run: fn(&Ctx) -> Result<(), Failure>,
) -> FunctionCase {
    FunctionCase { inside: true, ..alone(id, needs, source, run) }
}

impl FunctionCase {
    /// It speaks HTTP/2.
    const fn http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    /// It needs an address that no other case shares.
    const fn by_address(mut self) -> Self {
        self.by_address = true;
        self
    }

    const fn covers(mut self, covers: &'static [&'static str]) -> Self {
        self.covers = covers;
        self
    }
}

/// Every case that is written as code.
pub(crate) const ALL: &[FunctionCase] = &[
    must("requestid/same-client-id-does-not-mix-users", "O-D2; O-D3; P-D5; V27", concurrent::same_id),
    must("requestid/same-id-at-one-time-does-not-mix-users", "O-D2; O-D3; P-D5; V27", concurrent::same_id_at_once),
    must("requestid/ids-are-unique", "O-D42; V57", concurrent::unique_ids),
    must("requestid/header-and-body-agree", "original 1.1; V57; W6", concurrent::one_id),
    must("agent/embed-many-keeps-the-order", "original 1.2 row 13; W21", vectors::keep_the_order),
    must("http/pipelined-answers-keep-their-order", "RFC 9112 9.3.2", connection::pipelined),
    must("http/request-in-pieces", "RFC 9112 2.2", connection::in_pieces),
    must("http/keep-alive-after-an-error", "RFC 9112 9.3; V12", connection::after_error),
    must("http/keep-alive-after-an-unread-body", "RFC 9112 9.3", connection::after_unread_body),
    must("http/an-unread-body-is-skipped", "RFC 9112 9.3; design 6", unread::skipped),
    must("http/an-unread-chunked-body-is-skipped", "RFC 9112 9.3; design 6", unread::skipped_chunks),
    must("http/an-unread-body-is-not-waited-for", "RFC 9112 9.6; design 6", unread::not_awaited),
    must("http/a-large-unread-body-closes", "RFC 9112 9.6; design 6", unread::too_large),
    must("http/an-unread-body-is-not-asked-for", "RFC 9110 10.1.1", unread::not_asked),
    must("http/keep-alive-after-head", "RFC 9110 9.3.2; V3", connection::after_head),
    must("http/server-lives-after-clients-leave", "RFC 9112 9.5; V60; V61", connection::clients_leave),
    must("http/an-idle-connection-does-not-block-others", "RFC 9112 9.3", connection::idle),
    must("methods/head-has-the-length-of-get", "RFC 9110 9.3.2; V3", connection::head_length),
    must("body/slow-body-is-read-whole", "RFC 9112 6.3", timing::slow_body),
    must("body/too-large-is-told-before-the-body-is-sent", "RFC 9110 10.1.1; V20; V74", timing::early_413),
    must("body/chunked-too-large-is-told-before-its-end", "O-D20; V20; V74", timing::chunked_413),
    must("errors/timeout-comes-in-time", "V58; O-D22", timing::timeout),
    must("http/half-of-a-request-is-refused", "RFC 9112 8", attack::half_close),
    must("http/half-close-behind-a-request-has-one-answer", "RFC 9112 9.6", attack::half_close_behind),
    must("http/half-close-behind-a-request-at-work-has-no-answer", "RFC 9112 9.6", attack::half_close_at_work),
    must("http/resets-do-no-harm", "RFC 9112 9.5; V60", attack::resets),
    must("http/silent-connection-is-closed", "RFC 9110 15.5.9; O-D22; CWE-400", attack::silent).covers(&["S1-62"]),
    must("http/slow-head-is-given-up", "RFC 9110 15.5.9; O-D22; CWE-400", attack::slow_head).covers(&["S1-62"]),
    must("http/slow-head-behind-a-request-is-given-up", "RFC 9110 15.5.9; O-D22", attack::slow_head_behind_a_request)
        .covers(&["S1-62"]),
    must("http/answer-before-the-end-of-a-body-closes", "RFC 9112 9.3; design 6", attack::early_answer_closes),
    must("body/that-stops-coming-is-408", "RFC 9110 15.5.9; V58; O-D22", attack::body_stops).covers(&["S1-62"]),
    must("body/that-drips-is-408", "RFC 9110 15.5.9; V58; O-D22; CWE-400", attack::body_drips).covers(&["S1-62"]),
    must("json/megabytes-are-refused", "V69; V20; CWE-400; CWE-674", attack::megabytes),
    must("expect/continue-comes-before-the-body", "RFC 9110 10.1.1", expect::before_the_body),
    must("expect/http10-gets-no-continue", "RFC 9110 10.1.1", expect::http10),
    must("sse/events-come-one-by-one", "V62; frameworks 5 (Nagle)", streams::one_by_one),
    inside("sse/small-events-are-not-gathered", "patient", "frameworks 5 (Nagle); RFC 896", streams::not_gathered),
    must("sse/server-lives-after-a-client-leaves", "V60; O-D23", streams::leave),
    must("sse/http10-is-not-chunked", "RFC 9112 6.1", streams::http10),
    must("limit/count-falls-and-the-next-is-refused", "V46; V47; V51; O-D17", limits::counts_down).by_address(),
    must("limit/addresses-are-counted-apart", "V49; O-D18; P-D7", limits::apart).by_address(),
    must("limit/forwarded-headers-are-not-believed", "V49; O-D18", limits::forwarded)
        .by_address()
        .covers(&["S0-17", "S1-75", "S3-22"]),
    must("limit/head-shares-the-count-of-get", "RFC 9110 9.3.2; V48", limits::head).by_address(),
    must("limit/reset-is-a-unix-time-within-the-window", "V46", limits::reset).by_address().covers(&["S0-24"]),
    inside("cancel/client-closes-before-the-answer", "patient", "V61; O-D23", cancel::closes_before_the_answer),
    inside("cancel/client-resets-before-the-answer", "patient", "V61; O-D23", cancel::resets_before_the_answer),
    inside("cancel/client-closes-during-a-stream", "patient", "V60; O-D23", cancel::closes_during_a_stream),
    inside("cancel/client-resets-during-a-stream", "patient", "V60; O-D23", cancel::resets_during_a_stream),
    inside(
        "cancel/client-closes-while-a-stream-is-silent",
        "patient",
        "V60; O-D23",
        cancel::closes_during_a_silent_stream,
    ),
    inside("cancel/client-leaves-inside-the-body", "patient", "V61; O-D22; O-D23", cancel::leaves_inside_the_body),
    inside("backpressure/a-slow-reader-slows-the-engine", "patient", "O-D23", backpressure::slow_reader),
    inside(
        "lifecycle/idle-connections-do-not-hold-up-the-stop",
        "patient",
        "V64 (9.80.2, not 9.37.0); O-D24",
        lifecycle::idle_connections,
    ),
    inside("lifecycle/all-routes-are-there-after-a-restart", "patient", "V66", lifecycle::starts_again),
    inside("lifecycle/a-port-in-use-is-an-error-of-the-start", "patient", "V65; O-D25", lifecycle::port_in_use),
    inside("lifecycle/all-stops-share-one-result", "drain", "O-D24", lifecycle::one_result).covers(&["S3-56"]),
    inside("lifecycle/force-cuts-at-once", "patient", "O-D24", lifecycle::force).covers(&["S3-56"]),
    inside("lifecycle/readiness-says-no-first", "drain", "O-D35; V63", drain::readiness_first),
    inside("lifecycle/requests-are-answered-for-a-second", "drain", "V63; O-D24", drain::first_second),
    inside("parser/half-a-head-is-refused-when-the-server-stops", "drain", "V63; O-D24", drain::half_a_head),
    inside("lifecycle/a-request-in-work-is-answered", "drain", "V71; O-D24; P-D33", drain::in_flight)
        .covers(&["S3-56"]),
    inside("lifecycle/a-stream-goes-on-and-says-goodbye", "drain", "V71; O-D24", drain::stream_says_goodbye)
        .covers(&["S3-56"]),
    inside("lifecycle/an-endless-stream-ends-with-the-grace", "drain", "O-D24", drain::endless_stream)
        .covers(&["S3-56"]),
    inside("lifecycle/what-does-not-end-is-cut", "drain", "O-D24", drain::cut).covers(&["S3-56"]),
    must("http2/answers-are-those-of-http1", "RFC 9113 8.1", http2::answers).http2(),
    must("http2/a-body-in-pieces-is-one", "RFC 9113 8.1", http2::body).http2(),
    must("http2/head-has-no-body", "RFC 9110 9.3.2; V3", http2::head).http2(),
    must("http2/a-foreign-authority-is-400", "RFC 9113 8.3.1", http2::authority).http2(),
    must("http2/events-come-one-by-one-beside-others", "RFC 9113 5; V62", http2::events).http2(),
    inside("http2/a-reset-stream-stops-the-engine", "patient", "RFC 9113 5.4.2; V61", http2::reset).http2(),
    inside("http2/a-client-that-leaves-stops-the-engine", "patient", "V60; V61", http2::leave).http2(),
    inside("http2/goaway-lets-streams-finish", "drain", "RFC 9113 6.8; V63", http2::goaway).http2().covers(&["S3-56"]),
    inside("http2/a-stream-says-goodbye-after-the-grace", "drain", "O-D24", http2::goodbye).http2(),
    inside("http2/rapid-reset-costs-only-the-attacker", "patient", "CVE-2023-44487", http2_attacks::rapid_reset)
        .http2(),
    must("http2/a-head-without-end-is-cut", "CVE-2024-27316", http2_attacks::continuation).http2(),
    must("http2/a-header-list-over-the-limit-is-431", "RFC 9113 10.5.1", http2_attacks::header_list).http2(),
    must("http2/silence-after-the-preface-harms-nobody", "RFC 9113 3.4", http2_attacks::silence).http2(),
    must("http2/a-wrong-preface-is-refused", "RFC 9113 3.4", http2_attacks::preface).http2(),
    must("http2/floods-of-control-frames-are-bounded", "CVE-2019-9512; CVE-2019-9515", http2_attacks::floods).http2(),
    inside(
        "http2/a-window-of-zero-holds-the-engine",
        "patient",
        "RFC 9113 5.2; CVE-2019-9517",
        http2_attacks::window_of_zero,
    )
    .http2(),
    must("http2/malformed-heads-are-refused", "RFC 9113 8.2", http2_attacks::malformed_heads).http2(),
    must("http2/malformed-frames-end-the-connection", "RFC 9113 5; 6", http2_attacks::malformed_frames).http2(),
    alone("connections/a-thousand-idle-ones-harm-nobody", "patient", "O-D22; O-D24", crowd::thousand),
    alone("connections/a-slow-answer-keeps-later-ones-in-order", "patient", "RFC 9112 9.3.2", crowd::slow_first),
    inside("limit/waiting-for-retry-after-succeeds", "reference", "V47; O-D19; P-D32", expiry::retry_after)
        .by_address(),
    inside("auth/a-token-expires-between-two-requests", "reference", "RFC 7519 4.1.4", expiry::token)
        .covers(&["S0-56"]),
    inside("auth/the-engines-user-is-that-of-the-credential", "reference", "O-D5", identity::of_the_credential),
    inside("sse/a-stream-ends-with-its-credential", "reference", "RFC 7519 4.1.4", expiry::stream).covers(&["S0-56"]),
    inside("sse/a-silent-stream-ends-with-its-credential", "reference", "RFC 7519 4.1.4", expiry::silent_stream),
    inside("sse/silence-gets-comments-and-then-a-timeout", "idle", "V59", streams::silence),
    inside("sse/a-user-has-so-many-streams", "patient", "O-D40", crowd::streams),
    inside("concurrency/one-more-of-a-caller-is-429", "busy", "nginx limit_conn", concurrency::of_a_caller)
        .by_address()
        .covers(&["S1-59"]),
    inside(
        "concurrency/a-client-that-leaves-gives-its-place-back",
        "busy",
        "nginx limit_conn",
        concurrency::given_back,
    )
    .by_address()
    .covers(&["S1-59"]),
    inside("concurrency/a-stream-that-ends-gives-its-place-back", "busy", "nginx limit_conn", concurrency::ended)
        .by_address()
        .covers(&["S1-59"]),
    inside("concurrency/load-is-shed-and-probes-are-answered", "busy", "RFC 9110 15.6.4", concurrency::shed)
        .by_address(),
    inside("concurrency/who-waits-gets-the-next-place", "busy", "design 6", concurrency::queued).by_address(),
    must("apikey/an-issued-key-is-random-and-its-users", "S1-53; CWE-330", issued_keys::random).covers(&["S1-53"]),
    must("apikey/a-revoked-key-is-401-on-the-next-request", "O-D46", issued_keys::revoked).covers(&["S0-06"]),
    must("apikey/what-is-no-issued-key-is-401", "O-D46", issued_keys::guessed),
    must("apikey/scopes-of-an-issued-key-are-roles", "original 3", issued_keys::scoped).covers(&["S0-08"]),
    must("apikey/an-issued-key-has-the-limit-of-its-own", "original 3", issued_keys::limited).covers(&["S0-08"]),
    must("apikey/an-issued-key-is-for-1-to-365-days", "S1-49", issued_keys::days).covers(&["S1-49"]),
    inside("apikey/an-issued-key-ends-by-the-clock", "reference", "O-D46", issued_keys::ended).covers(&["S0-07"]),
    alone("basic/a-locked-name-is-answered-as-a-wrong-password", "basic", "OWASP ASVS 6.3; CWE-307", passwords::locked)
        .by_address()
        .covers(&["S0-60"]),
    alone("basic/four-failures-lock-nobody", "basic", "OWASP ASVS 6.3; CWE-307", passwords::not_yet).by_address(),
    alone("basic/a-name-of-nobody-is-answered-alike", "basic", "CWE-203", passwords::of_nobody)
        .by_address()
        .covers(&["S0-11", "S0-60"]),
    alone("login/a-name-and-its-password-are-tokens", "login", "RFC 6749 5.1; RFC 9700", logins::signs_in)
        .by_address()
        .covers(&["S0-14", "S0-58"]),
    alone("login/the-body-alone-is-judged", "login", "design 6", logins::judges_the_body_alone).by_address(),
    alone("login/refresh-rotates", "login", "RFC 9700 4.14.2", logins::rotates).by_address().covers(&["S0-58"]),
    inside("login/the-preceding-token-gets-the-same-for-10-s", "login", "RFC 9700 4.14.2", logins::in_grace)
        .by_address()
        .covers(&["S0-58"]),
    inside("login/a-replay-after-that-ends-the-login", "login", "RFC 9700 4.14.2", logins::replay)
        .by_address()
        .covers(&["S0-58"]),
    alone("login/an-older-token-ends-the-login-at-once", "login", "RFC 9700 4.14.2", logins::older_replay)
        .by_address()
        .covers(&["S0-58"]),
    alone("login/fifty-at-once-are-one-successor", "login", "RFC 9700 4.14.2", logins::at_once)
        .by_address()
        .covers(&["S0-58"]),
    alone("login/logout-ends-one-login", "login", "RFC 7009 2; OWASP ASVS 7.4", logins::logs_out).by_address(),
    inside("login/an-access-token-ends-after-15-min", "login", "RFC 7519 4.1.4", logins::access_expires).by_address(),
    inside("login/unused-it-ends-after-30-d", "login", "RFC 9700 4.14.2; OWASP ASVS 7.3", logins::idle).by_address(),
    inside("login/it-ends-after-90-d", "login", "OWASP ASVS 7.3", logins::absolute).by_address(),
    alone("login/a-locked-name-is-answered-as-a-wrong-password", "login", "OWASP ASVS 6.3; CWE-307", logins::locked)
        .by_address()
        .covers(&["S0-60"]),
    alone("login/guesses-are-limited-by-address", "login", "CWE-307", logins::guesses).by_address(),
    alone("login/each-kind-of-token-is-one", "login", "RFC 8725 3.11", logins::kinds).by_address(),
    alone("login/a-changed-token-ends-nothing", "login", "CWE-345; CWE-645", logins::changed).by_address(),
    alone("login/a-user-has-so-many", "login", "CWE-400; CWE-613", logins::so_many).by_address(),
    alone("login/a-token-of-an-ended-login-opens-no-stream", "login", "design 6 (stream)", logins::opens_streams)
        .by_address(),
    alone(
        "body/a-handler-has-a-piece-before-the-next-is-sent",
        "patient",
        "RFC 9112 6; design 4",
        bodies::piece_by_piece,
    ),
    inside("body/all-bodies-together-have-a-budget", "narrow", "design 6; CWE-400", bodies::budget),
    inside("decompress/the-budget-counts-what-bodies-become", "narrow", "design 6; CWE-409", bodies::budget_of_coded),
    alone("headers/response-time-is-that-of-the-handler", "patient", "V42", timing::response_time),
    inside("lifecycle/observers-and-events-outlive-a-restart", "patient", "V66", lifecycle::observed),
    inside("smuggling/nothing-hidden-reaches-the-engine", "reference", "RFC 9112 11.2", smuggling::unseen),
    inside("cors/any-origin-with-credentials-is-a-mistake", "reference", "V53", mistakes::any_origin_with_credentials),
    inside("routing/a-route-that-is-there-twice-is-a-mistake", "reference", "V67", mistakes::route_twice),
    inside("middleware/a-request-is-one-line-of-the-log", "reference", "O-D45", access_log::one_line_each),
    inside("keryx/twenty-first-request-of-a-stranger-is-429", "keryx", "S2-07; S2-10; P-D17", keryx::of_strangers)
        .by_address()
        .covers(&["S2-07", "S2-10"]),
    inside("keryx/one-more-than-two-hundred-of-a-user-is-429", "keryx", "S2-08", keryx::of_users)
        .by_address()
        .covers(&["S2-08"]),
    inside("keryx/users-and-strangers-count-apart", "keryx", "S2-04", keryx::apart).by_address().covers(&["S2-04"]),
    inside("keryx/windows-are-those-of-the-clock", "keryx", "S2-06", keryx::windows).by_address().covers(&["S2-06"]),
    inside("keryx/refused-requests-count", "keryx", "S2-02", keryx::refused_count).by_address(),
    inside("keryx/a-request-is-its-line-of-the-log", "keryx", "S2-46; O-D45", keryx::line_of_log)
        .by_address()
        .covers(&["S2-46"]),
    inside("health/an-engine-that-is-not-ready-is-503", "reference", "O-D35", lifecycle::engine_not_ready),
    alone("health/probes-are-capped-by-address", "reference", "O-D35", crowd::probes).by_address(),
];
