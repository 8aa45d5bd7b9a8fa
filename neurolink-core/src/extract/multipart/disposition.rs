//! What a part says of itself: `Content-Disposition: form-data; name="a"; filename="b"` (RFC 7578, section 4.2).

/// The name of a part, and that of its file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Disposition {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
}

impl Disposition {
    /// Reads it; `None` if it is anything but a form's, has no name, or says something twice.
    ///
    /// Values stand as they are but for `\"`, which is `"`: browsers write that as `%22`, and a backslash as itself.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (kind, mut rest) = token(text.trim_start())?;
        if !kind.eq_ignore_ascii_case("form-data") {
            return None;
        }
        let (mut name, mut file_name) = (None, None);
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                return Some(Self { name: name?, file_name });
            }
            rest = rest.strip_prefix(';')?.trim_start();
            if rest.is_empty() {
                continue; // a semicolon at the end
            }
            let (key, after) = token(rest)?;
            let after = after.trim_start().strip_prefix('=')?.trim_start();
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => unquote(quoted)?,
                None => token(after).map(|(value, after)| (value.to_owned(), after))?,
            };
            rest = after;
            let place = match key {
                _ if key.eq_ignore_ascii_case("name") => &mut name,
                _ if key.eq_ignore_ascii_case("filename") => &mut file_name,
                _ => continue, // `filename*` too, which RFC 7578 forbids
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
    }
}

/// What stands up to the next delimiter, and the rest.
fn token(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, ';' | '=' | '"')).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// The value of a quoted text without its first quote, and what is behind it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"')?;
        match rest[..end].strip_suffix('\\') {
            Some(before) => {
                value.push_str(before);
                value.push('"');
                rest = &rest[end + 1..];
            }
            None => {
                value.push_str(&rest[..end]);
                return Some((value, &rest[end + 1..]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<(String, Option<String>)> {
        Disposition::parse(text).map(|it| (it.name, it.file_name))
    }

    #[test]
    fn names_are_read_as_they_stand() {
        for (text, name, file_name) in [
            (r#"form-data; name="a""#, "a", None),
            (r#"Form-Data;name=a;"#, "a", None),
            (r#"form-data; name="""#, "", None),
            (r#"form-data; filename="x; name=y"; name="z""#, "z", Some("x; name=y")),
            (r#"form-data ; NAME = "a" ; FileName = b.txt"#, "a", Some("b.txt")),
            (r#"form-data; name="a\"b"; filename="C:\dir\f.txt""#, "a\"b", Some(r"C:\dir\f.txt")),
            (r#"form-data; name="a%22b"; filename="../../etc/passwd""#, "a%22b", Some("../../etc/passwd")),
            (r#"form-data; name="ä"; filename*=UTF-8''x; other="1""#, "ä", None),
        ] {
            assert_eq!(read(text), Some((name.to_owned(), file_name.map(str::to_owned))), "{text}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_not_read() {
        for text in [
            "",
            "form-data",
            r#"attachment; name="a""#,
            r#"form-data; filename="a""#,
            r#"form-data; name="a"; name="b""#,
            r#"form-data; name="a"; filename="b"; FILENAME="c""#,
            r#"form-data; name="a"#,
            r#"form-data; name="a\""#,
            r#"form-data; name="a"b"#,
            r#"form-data; name"#,
            r#"form-data; name="#,
            r#"form-data name="a""#,
            r#"form-data; ="a""#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(name in "[^\"\\\\]*", file in proptest::option::of("[^\"\\\\]*"), first: bool) {
            let name_part = format!("; name=\"{name}\"");
            let file_part = file.as_ref().map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
            let text = if first { format!("form-data{file_part}{name_part}") } else { format!("form-data{name_part}{file_part}") };
            prop_assert_eq!(read(&text), Some((name, file)));
        }

        #[test]
        fn anything_is_read_or_refused(text in "(form-data)?[;= \"\\\\a-z]{0,40}") {
            let _ = read(&text);
        }
    }
}
