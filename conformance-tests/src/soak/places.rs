//! How the clients of a soak speak to the server of each configuration, and what they may hold there.

use std::net::SocketAddr;

use super::restarts;
use crate::CONFIGURATIONS;
use crate::function::Ctx;

/// What a configuration asks of its clients.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// What clients say here, behind what they say to a server with the reference configuration.
    words: &'static [(&'static str, &'static str)],
    /// So many streams can be open at one time, by the last part of the address that has them.
    pub(super) streams: &'static [(u8, usize)],
    /// Whether there are fewer places than clients, so that a refusal is no sign of a busy machine.
    pub(super) refuses: bool,
    /// Whether every client soon has more requests than its limit lets through.
    pub(super) limited: bool,
}

/// As many streams as a user may have.
const OF_A_USER: &[(u8, usize)] = &[(2, 32)];
/// As many as `busy` has places of a caller, and then the last of all.
const ALL_PLACES: &[(u8, usize)] = &[(2, 2), (3, 1)];

const REFERENCE: Manner = Manner { words: &[], streams: OF_A_USER, refuses: false, limited: false };
const BEHIND_PROXIES: Manner = Manner { words: &[("Host: localhost", "Host: api.example.com")], ..REFERENCE };

impl Manner {
    pub(super) fn of(name: &str) -> Self {
        match name {
            "basic" => Self { words: &[("Bearer {user-token}", "Basic YWRhOmNvcnJlY3QgaG9yc2U=")], ..REFERENCE },
            "jwt" => Self { words: &[("{user-token}", "{token:hs256}")], ..REFERENCE },
            "busy" => Self { streams: ALL_PLACES, refuses: true, ..REFERENCE },
            "keryx" => Self { streams: &[], refuses: true, limited: true, ..REFERENCE },
            _ if name.starts_with("proxies") => BEHIND_PROXIES,
            _ => REFERENCE,
        }
    }

    /// A client with this address.
    pub(super) fn client(self, server: SocketAddr, address: [u8; 4]) -> Ctx {
        Ctx::new(server, Some(address.into()), None).saying(self.words)
    }
}

/// The configurations whose servers have clients all the time: all but that whose server stops and starts.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    CONFIGURATIONS.iter().map(|(name, _)| *name).filter(|name| *name != restarts::PLACE)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::clients::ALL;
    use super::*;

    #[test]
    fn every_configuration_is_soaked() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configurations");
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<String> = files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        files.push("reference".to_owned());
        files.sort_unstable();
        let mut soaked: Vec<&str> = names().chain([restarts::PLACE]).collect();
        soaked.sort_unstable();
        assert_eq!(soaked, files);
    }

    #[test]
    fn visits_of_their_own_are_for_configurations_that_have_clients() {
        let visits = ALL.iter().flat_map(|visit| visit.only);
        let unknown: Vec<_> = visits.filter(|only| !names().any(|name| name == **only)).collect();
        assert_eq!(unknown, Vec::<&&str>::new());
    }
}
