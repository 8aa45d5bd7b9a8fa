use smallvec::SmallVec;

use crate::counters::Counted;

/// Whose attempt it is: a name, from an address.
pub(in super::super) struct Whose {
    pub(super) name: Box<str>,
    /// The name and its network, as no other two would be.
    pub(super) pair: Vec<u8>,
    /// The address and the networks that it counts for.
    pub(super) addresses: Counted,
}

impl Whose {
    /// That of a name from an address, of which these are the keys.
    pub(in super::super) fn new(name: &str, addresses: Counted) -> Self {
        let network = addresses.first().map_or(&[][..], |(network, _)| network);
        let pair = [&(name.len() as u64).to_be_bytes(), name.as_bytes(), network].concat();
        Self { name: name.into(), pair, addresses }
    }

    pub(in super::super) fn name(&self) -> &str {
        &self.name
    }

    /// The network that the client owns.
    pub(in super::super) fn network(&self) -> SmallVec<[u8; 24]> {
        self.addresses.first().map(|(network, _)| network.clone()).unwrap_or_default()
    }
}
