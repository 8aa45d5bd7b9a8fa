use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::HeaderName;
use smallvec::{SmallVec, smallvec};

use crate::Context;
use crate::counters::{Counted, address_keys, prefixed};
use crate::facts::NoAddress;
use crate::stack::{Kind, order};

/// Whose requests are counted together.
///
/// What a client sends is hashed before it is kept, and only keys that are counted now take memory, which is bounded.
///
/// ```
/// use neurolink_core::middleware::Key;
///
/// let each_route_for_itself = Key::User.and(Key::Route);
/// assert_eq!(format!("{each_route_for_itself:?}"), "user and route");
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Key {
    /// Those of one client address.
    #[default]
    Address,
    /// Those of one user, and on public and optional routes an anonymous caller by address. Stands behind authentication by itself.
    User,
    /// As [`User`](Self::User), and without any authentication those of one address: for a server that may have it or not.
    Caller,
    /// Those with one API key, whosever it is, and without one those of the address. Stands behind authentication by
    /// itself, so only keys that are known count. A key may have a limit of its own, which then takes the place of the rule's.
    ApiKey,
    /// Those with one value of a header, and without it those of the address.
    ///
    /// A client chooses its headers: this is for one that a proxy of yours sets, or for dividing the load of clients
    /// that are known.
    Header(HeaderName),
    /// Those for one route, whoever sent them; unmatched paths are one.
    Route,
    /// Those for which a function gives the same text; `None` is not counted.
    Custom(KeyFn),
    /// Those that are the same in each: see [`and`](Self::and).
    All(Arc<[Key]>),
}

/// Finds the text whose requests are counted together.
pub type KeyFn = Arc<dyn Fn(&Context) -> Option<String> + Send + Sync>;

impl Key {
    /// Counts together what both count together, such as one user's requests for one route.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::All([self, other].into())
    }

    pub(crate) fn name(&self) -> Cow<'static, str> {
        match self {
            Self::Address => "address".into(),
            Self::User => "user".into(),
            Self::Caller => "user or address".into(),
            Self::ApiKey => "API key".into(),
            Self::Header(name) => format!("header {name}").into(),
            Self::Route => "route".into(),
            Self::Custom(_) => "a function".into(),
            Self::All(keys) => keys.iter().map(Self::name).collect::<Vec<_>>().join(" and ").into(),
        }
    }

    /// What it is to the authentication of its routes.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::User | Self::ApiKey => Kind::UsesUser,
            Self::Caller => Kind::PrefersUser,
            Self::Address | Self::Header(_) | Self::Route | Self::Custom(_) => Kind::Other,
            Self::All(keys) => {
                let has = |kind| keys.iter().any(|key| key.kind() == kind);
                [Kind::UsesUser, Kind::PrefersUser].into_iter().find(|kind| has(*kind)).unwrap_or_default()
            }
        }
    }

    /// Where it is known: behind authentication, if that has to do with it.
    pub(crate) fn order(kind: Kind) -> i16 {
        if kind == Kind::Other { order::LIMITS } else { order::AFTER_AUTH }
    }

    /// Whether those of one API key count together.
    pub(crate) fn counts_api_keys(&self) -> bool {
        match self {
            Self::ApiKey => true,
            Self::Address | Self::User | Self::Caller | Self::Header(_) | Self::Route | Self::Custom(_) => false,
            Self::All(keys) => keys.iter().any(Self::counts_api_keys),
        }
    }

    /// The parts of a request that are counted, each with its share of the limit.
    ///
    /// # Errors
    /// There is no address, so that all clients would share a key.
    pub(crate) fn of(&self, ctx: &Context) -> Result<Counted, NoAddress> {
        let one = |kind, bytes: &[u8]| -> Counted { smallvec![(prefixed(kind, bytes), 1)] };
        match self {
            Self::Address => by_address(ctx),
            Self::User | Self::Caller => match ctx.user() {
                Some(user) => {
                    let id = one(b'u', user.id.as_bytes());
                    let tenant = user.tenant.as_ref().map(|tenant| (prefixed(b't', tenant.as_bytes()), 1));
                    Ok(id.iter().map(|id| tenant.as_ref().map_or_else(|| id.clone(), |it| joined(it, id))).collect())
                }
                None => by_address(ctx),
            },
            Self::ApiKey => match ctx.api_key() {
                Some(hash) => Ok(one(b'k', hash)),
                None => by_address(ctx),
            },
            Self::Header(name) => match ctx.headers().get(name) {
                Some(value) => Ok(one(b'h', value.as_bytes())),
                None => by_address(ctx),
            },
            Self::Route => Ok(one(b'r', ctx.matched().unwrap_or_default().as_bytes())),
            Self::Custom(key) => Ok(key(ctx).into_iter().flat_map(|key| one(b'c', key.as_bytes())).collect()),
            Self::All(keys) => {
                let mut all: Counted = one(b'+', b"");
                for key in keys.iter() {
                    let parts = key.of(ctx)?;
                    all = all.iter().flat_map(|whole| parts.iter().map(|part| joined(whole, part))).collect();
                }
                Ok(all)
            }
        }
    }
}

fn by_address(ctx: &Context) -> Result<Counted, NoAddress> {
    ctx.client_address().map(address_keys).ok_or(NoAddress)
}

type Part = (SmallVec<[u8; 24]>, u32);

/// Both, with the length of the second, so that no other two look the same.
fn joined((whole, share): &Part, (part, more): &Part) -> Part {
    let mut bytes = whole.clone();
    bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
    bytes.extend_from_slice(part);
    (bytes, share.saturating_mul(*more))
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}
