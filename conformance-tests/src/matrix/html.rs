use super::Matrix;

/// The page without its data.
const PAGE: &str = include_str!("page.html");
/// Where the data goes.
const DATA: &str = "/*DATA*/";

/// The matrix as one page that needs nothing else: every cell that is no plain pass opens to the bytes.
///
/// # Errors
/// The matrix cannot be written as JSON.
pub fn html(matrix: &Matrix) -> Result<String, serde_json::Error> {
    // A script ends at its closing tag, wherever that stands.
    let data = serde_json::to_string(matrix)?.replace('<', "\\u003c");
    Ok(PAGE.replacen(DATA, &data, 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Head;

    #[test]
    fn no_text_ends_the_script() {
        let head = Head { name: "</script><b>".into(), note: String::new() };
        let page = html(&Matrix { columns: vec![head], rows: Vec::new() }).unwrap();
        assert!(page.contains("\\u003c/script>\\u003cb>") && !page.contains("</script><b>"));
    }
}
