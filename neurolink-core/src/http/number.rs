//! Header values of numbers.

use http::HeaderValue;

/// The value of a number.
pub(crate) fn number(number: impl itoa::Integer) -> HeaderValue {
    // Digits are a valid header value.
    HeaderValue::from_str(itoa::Buffer::new().format(number)).unwrap_or_else(|_| HeaderValue::from_static("0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_its_digits() {
        assert_eq!(number(0_u64), "0");
        assert_eq!(number(4_294_967_295_u32), "4294967295");
    }
}
