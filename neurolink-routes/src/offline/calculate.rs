//! A calculator with bounds: it never takes more than a blink, whatever it is given.

/// The most bytes of an expression.
const LONGEST: usize = 1024;

/// How deep parentheses, signs and powers may nest.
const DEEPEST: usize = 64;

/// The value of an expression of numbers, `+ - * / % ^`, parentheses and unary minus.
///
/// `^` binds tighter than unary minus and to the right: `-2^2` is -4, `2^3^2` is 512.
///
/// # Errors
/// What is wrong, in words for the client.
pub(crate) fn calculate(expression: &str) -> Result<f64, String> {
    if expression.len() > LONGEST {
        return Err(format!("the expression is longer than {LONGEST} bytes"));
    }
    let mut parser = Parser { text: expression.as_bytes(), at: 0, depth: 0 };
    let value = parser.sum()?;
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.unexpected()),
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn unexpected(&mut self) -> String {
        match self.peek() {
            Some(_) => {
                format!("the expression cannot be read from character {} on", self.at + 1)
            }
            None => "the expression ends too early".into(),
        }
    }

    fn sum(&mut self) -> Result<f64, String> {
        let mut value = self.product()?;
        loop {
            value = if self.take(b'+') {
                finite(value + self.product()?)?
            } else if self.take(b'-') {
                finite(value - self.product()?)?
            } else {
                return Ok(value);
            };
        }
    }

    fn product(&mut self) -> Result<f64, String> {
        let mut value = self.signed()?;
        loop {
            value = if self.take(b'*') {
                finite(value * self.signed()?)?
            } else if self.take(b'/') {
                finite(value / divisor(self.signed()?)?)?
            } else if self.take(b'%') {
                finite(value % divisor(self.signed()?)?)?
            } else {
                return Ok(value);
            };
        }
    }

    /// Every nesting comes through here.
    fn signed(&mut self) -> Result<f64, String> {
        if self.depth > DEEPEST {
            return Err(format!("the expression nests deeper than {DEEPEST} levels"));
        }
        self.depth += 1;
        let value = if self.take(b'-') { self.signed().map(|value| -value) } else { self.power() };
        self.depth -= 1;
        value
    }

    fn power(&mut self) -> Result<f64, String> {
        let base = self.operand()?;
        if self.take(b'^') { power(base, self.signed()?) } else { Ok(base) }
    }

    fn operand(&mut self) -> Result<f64, String> {
        if self.take(b'(') {
            let value = self.sum()?;
            return if self.take(b')') { Ok(value) } else { Err(self.unexpected()) };
        }
        self.number()
    }

    fn number(&mut self) -> Result<f64, String> {
        self.peek();
        let start = self.at;
        while self.text.get(self.at).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.') {
            self.at += 1;
        }
        let digits = std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
        let Ok(value) = digits.parse::<f64>() else {
            self.at = start;
            return Err(self.unexpected());
        };
        finite(value)
    }
}

fn divisor(value: f64) -> Result<f64, String> {
    if value == 0.0 { Err("division by zero".into()) } else { Ok(value) }
}

fn finite(value: f64) -> Result<f64, String> {
    if value.is_finite() { Ok(value) } else { Err("the result is too large".into()) }
}

/// Whole exponents are squared and multiplied, so that every platform gives the same bits.
fn power(base: f64, exponent: f64) -> Result<f64, String> {
    const MOST: f64 = 1_000_000.0;
    if base == 0.0 && exponent < 0.0 {
        return Err("division by zero".into());
    }
    if exponent.fract() != 0.0 || exponent.abs() > MOST {
        let value = base.powf(exponent);
        return if value.is_nan() { Err("the result is not a real number".into()) } else { finite(value) };
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and at most a million")]
    let mut left = exponent.abs() as u32;
    let (mut square, mut value) = (base, 1.0_f64);
    while left > 0 {
        if left & 1 == 1 {
            value *= square;
        }
        square *= square;
        left >>= 1;
    }
    finite(if exponent < 0.0 { 1.0 / value } else { value })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(expression: &str) -> f64 {
        calculate(expression).expect(expression)
    }

    fn error(expression: &str) -> String {
        calculate(expression).expect_err(expression)
    }

    #[test]
    fn operators_bind_as_in_mathematics() {
        for (expression, expected) in [
            ("2 + 3 * 4", 14.0),
            ("(2+3)*4", 20.0),
            ("10 - 4 - 3", 3.0),
            ("2^3^2", 512.0),
            ("-2^2", -4.0),
            ("2^-1", 0.5),
            ("--3", 3.0),
            ("7 % 4 * 2", 6.0),
            ("-7 % 4", -3.0),
            ("1.5*2", 3.0),
            (".5 + 5.", 5.5),
            ("4^0.5", 2.0),
            (" 1 ", 1.0),
            ("2 * -3", -6.0),
            ("0^0", 1.0),
        ] {
            assert_eq!(value(expression), expected, "{expression}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        for expression in ["1/0", "1 % 0", "1/(2-2)", "0^-1"] {
            assert_eq!(error(expression), "division by zero", "{expression}");
        }
        for expression in ["10^400", "9^9^9^9", "1".repeat(400).as_str()] {
            assert_eq!(error(expression), "the result is too large", "{expression}");
        }
        assert_eq!(error("(-8)^0.5"), "the result is not a real number");
        for expression in ["", " ", "1 +", "(1", "2^", "-"] {
            assert_eq!(error(expression), "the expression ends too early", "{expression}");
        }
        for (expression, at) in [("1 2", 3), ("a", 1), ("1)", 2), ("1.2.3", 1), ("2 ×3", 3), ("1e5", 2), ("()", 2)] {
            let expected = format!("the expression cannot be read from character {at} on");
            assert_eq!(error(expression), expected, "{expression}");
        }
    }

    #[test]
    fn length_and_depth_are_bounded() {
        let nested = |depth: usize| format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
        assert_eq!(value(&nested(64)), 1.0);
        assert!(error(&nested(65)).contains("64 levels"));
        assert!(error(&"-".repeat(1000)).contains("64 levels"));
        assert!(error(&"1^".repeat(500)).contains("64 levels"));
        assert!(value(&format!("1{}", "+1".repeat(511))) == 512.0);
        assert!(error(&" ".repeat(1025)).contains("1024 bytes"));
    }

    /// An expression with its value, worked out in whole numbers.
    #[derive(Clone, Debug)]
    struct Known {
        text: String,
        value: i64,
        /// 0 sum, 1 product, 2 sign, 3 operand.
        rank: u8,
    }

    impl Known {
        fn inside(&self, rank: u8) -> String {
            if self.rank < rank { format!("({})", self.text) } else { self.text.clone() }
        }
    }

    fn known() -> impl Strategy<Value = Known> {
        let number = (0_i64..100).prop_map(|value| Known { text: value.to_string(), value, rank: 3 });
        number.prop_recursive(4, 16, 2, |inner| {
            (inner.clone(), inner, 0..5_u8).prop_map(|(left, right, operator)| match operator {
                0 => Known {
                    text: format!("{}+{}", left.inside(0), right.inside(1)),
                    value: left.value + right.value,
                    rank: 0,
                },
                1 => Known {
                    text: format!("{} - {}", left.inside(0), right.inside(1)),
                    value: left.value - right.value,
                    rank: 0,
                },
                2 if right.value != 0 => Known {
                    text: format!("{}%{}", left.inside(1), right.inside(2)),
                    value: left.value % right.value,
                    rank: 1,
                },
                3 => Known { text: format!("-{}", left.inside(2)), value: -left.value, rank: 2 },
                // Small factors keep every intermediate value below 2^53.
                _ => Known {
                    text: format!("{} *{}", left.inside(1), right.value.rem_euclid(10)),
                    value: left.value * right.value.rem_euclid(10),
                    rank: 1,
                },
            })
        })
    }

    proptest! {
        #[test]
        fn agrees_with_whole_numbers(known in known()) {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let expected = known.value as f64;
            prop_assert_eq!(calculate(&known.text), Ok(expected), "{}", known.text);
        }

        #[test]
        fn never_panics(text in ".{0,200}") {
            let _ = calculate(&text);
        }

        #[test]
        fn every_value_is_finite(text in "[-+*/%^().0-9 ]{0,60}") {
            if let Ok(value) = calculate(&text) {
                prop_assert!(value.is_finite());
            }
        }
    }
}
