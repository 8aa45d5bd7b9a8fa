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

/// The matrix of a page that was written earlier, with its bytes.
///
/// # Errors
/// The text is no such page.
pub fn of_html(page: &str) -> Result<Matrix, serde_json::Error> {
    let (before, after) = PAGE.split_once(DATA).unwrap_or_default();
    let (start, end) = (before.lines().last().unwrap_or_default(), after.lines().next().unwrap_or_default());
    let data = page.split_once(start).and_then(|(_, rest)| rest.split_once(end)).unwrap_or_default().0;
    serde_json::from_str(data)
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
        assert_eq!(of_html(&page).unwrap().columns[0].name, "</script><b>");
    }

    #[test]
    fn another_page_has_no_matrix() {
        assert!(of_html("<html></html>").is_err());
    }
}
