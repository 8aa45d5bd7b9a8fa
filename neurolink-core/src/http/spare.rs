//! Header maps that have done their work, for the answers to come: the table of one is the largest thing a request makes.

use std::cell::RefCell;

use http::HeaderMap;

/// Lines that a response has room for from the beginning: those of the usual middleware.
const ROOM: usize = 20;
/// A map with more room than this is not kept, in lines.
const LARGEST: usize = 96;
/// Maps that a thread keeps.
const KEPT: usize = 16;

thread_local! {
    static SPARE: RefCell<Vec<HeaderMap>> = const { RefCell::new(Vec::new()) };
}

/// An empty map with room for the lines of a usual message, one that was given back if there is one.
///
/// ```
/// use neurolink_core::http::{give_headers_back, spare_headers};
///
/// let mut headers = spare_headers();
/// headers.insert("x-own", "1".parse()?);
/// give_headers_back(headers);
/// assert!(spare_headers().is_empty());
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[must_use]
pub fn spare_headers() -> HeaderMap {
    SPARE.with_borrow_mut(Vec::pop).unwrap_or_else(|| HeaderMap::with_capacity(ROOM))
}

/// Gives back a map that nobody needs: empties it, and keeps its room for this thread's next messages.
///
/// At most 16 maps of 96 lines are kept by each thread, and nothing that was in them.
pub fn give_headers_back(mut headers: HeaderMap) {
    if !(ROOM..=LARGEST).contains(&headers.capacity()) {
        return;
    }
    headers.clear();
    SPARE.with_borrow_mut(|spare| {
        if spare.len() < KEPT {
            spare.push(headers);
        }
    });
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn with_room(lines: usize) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(lines);
        headers.append("x-own", HeaderValue::from_static("1"));
        headers.append("x-own", HeaderValue::from_static("2"));
        headers
    }

    #[test]
    fn a_map_comes_back_empty_and_with_its_room() {
        give_headers_back(with_room(LARGEST / 2));
        let again = spare_headers();
        assert!(again.capacity() >= LARGEST / 2);
        assert!(again.is_empty() && again.get("x-own").is_none());
    }

    #[test]
    fn neither_small_ones_nor_large_ones_are_kept_nor_more_than_a_few() {
        for lines in [1, LARGEST + 1, 2000] {
            give_headers_back(with_room(lines));
            assert_eq!(SPARE.with_borrow(Vec::len), 0, "{lines}");
        }
        for _ in 0..=KEPT {
            give_headers_back(with_room(ROOM));
        }
        assert_eq!(SPARE.with_borrow(Vec::len), KEPT);
    }
}
