use std::fmt::Write as _;

use crate::suite::{Suite, Test};
use crate::verdict::{CaseOutcome, Verdict};

/// The outcomes of several servers as a JUnit report: a suite a server, a test case a test.
///
/// What is not observable is `skipped`; what fails has all mismatches and the answer.
#[must_use]
pub fn junit(runs: &[(&Suite, &[(&Test, CaseOutcome)])]) -> String {
    let mut out =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"neurolink conformance\">\n");
    for (suite, outcomes) in runs {
        let failed = outcomes.iter().filter(|(_, outcome)| outcome.is_failure()).count();
        let skipped = outcomes.iter().filter(|(_, outcome)| outcome.verdict == Verdict::NotObservable).count();
        let name = escape(suite.name());
        let tests = outcomes.len();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\">"
        );
        for (_, outcome) in *outcomes {
            let area = outcome.name.split('/').next().unwrap_or_default();
            let _ =
                write!(out, "    <testcase classname=\"{name}.{}\" name=\"{}\"", escape(area), escape(&outcome.name));
            if outcome.is_failure() {
                let message = outcome.mismatches.join("; ");
                let text = format!("{}\n{}", outcome.mismatches.join("\n"), outcome.summary());
                let _ = writeln!(
                    out,
                    ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
                    escape(&message),
                    escape(&text)
                );
            } else if outcome.verdict == Verdict::NotObservable {
                let message = outcome.mismatches.join("; ");
                let _ = writeln!(out, ">\n      <skipped message=\"{}\"/>\n    </testcase>", escape(&message));
            } else {
                out.push_str("/>\n");
            }
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// Text for XML 1.0, which has no control characters at all.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            char if char.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(char));
            }
            char => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_for_xml() {
        assert_eq!(escape("a<b>&\"c\"\u{0}\n"), "a&lt;b&gt;&amp;&quot;c&quot;\\u{0}&#10;");
    }
}
