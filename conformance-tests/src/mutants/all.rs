//! Every mutant there is.

use super::mutant::Mutant;
use super::{
    agent, apikey, auth, basic, body, browser, concurrency, connection, decompress, envelope, everywhere, forwarded,
    headers, identity, jwt, keryx, layers, lifecycle, limit, login, methods, mount, multipart, onion, parser, path,
    policies, routing, stream, tokens, tools,
};

/// All mutants: those that break one thing first, those that break everything last.
#[must_use]
pub fn all() -> Vec<&'static Mutant> {
    let themes: &[&[Mutant]] = &[
        agent::ALL,
        apikey::ALL,
        auth::ALL,
        basic::ALL,
        body::ALL,
        browser::ALL,
        concurrency::ALL,
        connection::ALL,
        decompress::ALL,
        envelope::ALL,
        forwarded::ALL,
        headers::ALL,
        identity::ALL,
        jwt::ALL,
        keryx::ALL,
        layers::ALL,
        lifecycle::ALL,
        limit::ALL,
        login::ALL,
        methods::ALL,
        mount::ALL,
        multipart::ALL,
        onion::ALL,
        parser::ALL,
        path::ALL,
        policies::ALL,
        routing::ALL,
        stream::ALL,
        tokens::ALL,
        tools::ALL,
        everywhere::ALL,
    ];
    themes.iter().copied().flatten().collect()
}
