//! Whether a secret can be guessed, as far as that can be seen from one.

/// What a secret must have: the odds of a guess are at most 2^-128 (RFC 6749, section 10.10).
const BITS: f64 = 128.0;
/// Fewer different characters are no random text.
const FEWEST_DIFFERENT: usize = 6;
/// What examples say where a secret belongs, without `-` and `_`.
const PLACEHOLDERS: &[&str] = &[
    "changeme",
    "changethis",
    "placeholder",
    "replaceme",
    "replacethis",
    "password",
    "secretkey",
    "insertyour",
    "yourapikey",
    "yourkey",
    "yoursecret",
    "yourtoken",
    "xxxxxxxx",
];

/// Checks that nobody guesses a secret that clients send: a token or an API key.
///
/// An upper bound of its entropy must reach 128 bits: 32 characters of a hexadecimal text, 25 of small letters and
/// digits, 22 of letters and digits, 20 of others.
/// A text that repeats itself, that counts up or down, or that examples have in place of a secret is refused whatever its
/// length.
/// It cannot tell whether a text was made at random: take one of `neurolink key issue` or of `openssl rand -hex 32`.
///
/// ```
/// use neurolink_core::middleware::check_secret;
///
/// assert!(check_secret("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa").is_err());
/// assert!(check_secret("change-me-before-you-go-live-0123").is_err());
/// assert!(check_secret("k2Vf9QmZ0c7TtLxWbR4nYpE8").is_ok());
/// ```
///
/// # Errors
/// What is wrong with it and what would be right, in words that follow "the token" or "the key"; never the secret itself.
pub fn check_secret(secret: &str) -> Result<(), String> {
    const FIX: &str = "for example of `openssl rand -hex 32`";
    let bits = most_bits(secret);
    if bits < BITS {
        // The bits of a text that is short are few.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let bits = bits as u32;
        return Err(format!("has at most {bits} bits in its {} bytes; at least 128 are needed, {FIX}", secret.len()));
    }
    if different(secret) < FEWEST_DIFFERENT || repeats(secret) || counts(secret) {
        return Err(format!("repeats itself or counts, so that it can be guessed; take a random one, {FIX}"));
    }
    let plain: String = secret.chars().filter(|char| !matches!(char, '-' | '_')).collect::<String>().to_lowercase();
    if PLACEHOLDERS.iter().any(|placeholder| plain.contains(placeholder)) {
        return Err(format!("is what stands in examples; take a random one, {FIX}"));
    }
    Ok(())
}

/// What it could have if each character was drawn from the smallest usual alphabet that has all of them.
fn most_bits(secret: &str) -> f64 {
    let all = |is: fn(&u8) -> bool| secret.as_bytes().iter().all(is);
    let one_case = |upper: bool| {
        secret
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_alphabetic() && byte.is_ascii_uppercase() == upper)
    };
    let one_case = one_case(true) || one_case(false);
    let alphabet = if all(u8::is_ascii_digit) {
        10.0
    } else if one_case && all(u8::is_ascii_hexdigit) {
        16.0
    } else if one_case {
        36.0
    } else if all(u8::is_ascii_alphanumeric) {
        62.0
    } else {
        94.0
    };
    secret.chars().map(|_| f64::log2(alphabet)).sum()
}

fn different(secret: &str) -> usize {
    let mut seen: Vec<char> = secret.chars().collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len()
}

/// Whether it is one shorter text, at least twice.
fn repeats(secret: &str) -> bool {
    let bytes = secret.as_bytes();
    (1..=bytes.len() / 2).any(|period| bytes[period..].iter().zip(bytes).all(|(one, before)| one == before))
}

/// Whether most of it goes up or down one by one.
fn counts(secret: &str) -> bool {
    let bytes = secret.as_bytes();
    let steps = bytes.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) <= 1).count();
    steps * 4 >= bytes.len().saturating_sub(1) * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    // Shows O-D46.
    #[test]
    fn what_cannot_have_128_bits_is_refused() {
        for (right, wrong) in [
            ("30817498264108357261908453726519048271", "3081749826410835726190845372651904827"),
            ("9f86d081884c7d659a2feaa0c55ad015", "9f86d081884c7d659a2feaa0c55ad01"),
            ("9F86D081884C7D659A2FEAA0C55AD015", "9F86D081884C7D659A2FEAA0C55AD01"),
            ("q7x2mz0k4vbn83tjw5rcy1hpd", "q7x2mz0k4vbn83tjw5rcy1hp"),
            ("k2Vf9QmZ0c7TtLxWbR4nYp", "k2Vf9QmZ0c7TtLxWbR4nY"),
            ("k2Vf9-mZ0c7TtLxWbR4n", "k2Vf9-mZ0c7TtLxWbR4"),
        ] {
            let right = if right.len() == 38 { format!("{right}6") } else { right.to_owned() };
            assert_eq!(check_secret(&right), Ok(()), "{right}");
            let problem = check_secret(wrong).expect_err(wrong);
            assert!(problem.contains("at least 128") && !problem.contains(wrong), "{problem}");
        }
        assert!(check_secret("").is_err());
    }

    #[test]
    fn what_repeats_itself_or_counts_is_refused_whatever_its_length() {
        for wrong in [
            "a".repeat(64),
            "ab".repeat(40),
            "k2Vf9QmZ0c7T".repeat(3),
            "abcdefghijklmnopqrstuvwxyz0123456789".into(),
            "ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210".into(),
            "0123456789abcdef".repeat(2),
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbcccccccccccccccc".into(),
        ] {
            let problem = check_secret(&wrong).expect_err(&wrong);
            assert!(problem.contains("can be guessed") && !problem.contains(&wrong), "{problem}");
        }
    }

    #[test]
    fn what_stands_in_examples_is_refused() {
        for wrong in [
            "changeme-changeme-2024-please",
            "CHANGE_ME_BEFORE_PRODUCTION_9",
            "my-super-password-for-the-api-17",
            "your-api-key-goes-in-here-please",
            "<placeholder of a token, 2024>",
        ] {
            assert!(check_secret(wrong).expect_err(wrong).contains("stands in examples"), "{wrong}");
        }
    }
}
