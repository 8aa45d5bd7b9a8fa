//! What a client chose, in a line of log.

use std::fmt;

/// A value that a client chose, cut and escaped.
pub(super) struct Cut<'a>(pub(super) &'a [u8]);

/// Bytes of a value that a line of log holds.
const LONGEST: usize = 200;

impl fmt::Display for Cut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(LONGEST)];
        write!(f, "{}", shown.escape_ascii())?;
        ellipsis(f, shown.len() < self.0.len())
    }
}

/// The same for a line whose parts have no quotes: what ends a part is written as in a URL.
pub(super) struct Part<'a>(pub(super) &'a str);

impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.as_bytes();
        let shown = &bytes[..bytes.len().min(LONGEST)];
        for byte in shown {
            if byte.is_ascii_graphic() && !b"()[]{}<>\"'\\`".contains(byte) {
                write!(f, "{}", char::from(*byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        ellipsis(f, shown.len() < bytes.len())
    }
}

fn ellipsis(f: &mut fmt::Formatter<'_>, is_cut: bool) -> fmt::Result {
    if is_cut { f.write_str("..") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Shows S2-46, O-D45.
    #[test]
    fn a_line_cannot_be_forged() {
        assert_eq!(Cut(b"a\r\n2026 INFO b\x1b[31m").to_string(), "a\\r\\n2026 INFO b\\x1b[31m");
        assert_eq!(Cut(&[b'x'; 300]).to_string().len(), 202);
    }

    #[test]
    fn a_part_cannot_end_its_part_or_begin_another() {
        let forged = "/a) [cor:x] {}\r\n[ACTION:WEB:OK]\u{202e}";
        assert_eq!(Part(forged).to_string(), "/a%29%20%5Bcor:x%5D%20%7B%7D%0D%0A%5BACTION:WEB:OK%5D%E2%80%AE");
        assert_eq!(Part("localhost:3000").to_string(), "localhost:3000");
        assert_eq!(Part(&"x".repeat(300)).to_string().len(), 202);
        assert_eq!(Part(&"(".repeat(300)).to_string().len(), 602, "what is cut is the value, not what it becomes");
    }
}
