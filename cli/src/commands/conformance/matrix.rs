use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use neurolink_conformance::matrix::{self, html, junit, markdown, of_html};

use super::subjects::Servers;
use super::{failed, picture};
use crate::output::{Failure, GREEN, paint, print};

/// Runs all cases and writes the table of who answers how: rows are cases by area, columns are servers.
///
/// The cases behind a framework's own server and around its native routes, `own-server/..` and `native/..`, have no
/// row: each adapter's test `conformance` asks them.
#[derive(Args)]
#[command(after_help = "\
Examples:
  neurolink conformance matrix                                       markdown of all frameworks
  neurolink conformance matrix --format html --output matrix.html
  neurolink conformance matrix --url other=http://127.0.0.1:4000 --write docs/matrix
  neurolink conformance matrix --keep matrix.html --check matrix.md   fails where a file is not what would be written")]
pub(crate) struct Matrix {
    #[command(flatten)]
    servers: Servers,

    /// What a column is called in the table, such as axum=0.8.9; may be repeated
    #[arg(long, value_name = "NAME=TEXT")]
    note: Vec<String>,

    /// Takes the columns that are not asked now from an older matrix in HTML
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,

    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Writes to a file instead of standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["check", "write"])]
    output: Option<PathBuf>,

    /// Compares with a file that was written earlier, and fails if it is not current; may be repeated
    ///
    /// A file whose name ends in `.json` is compared with what `--write` writes: the verdicts without the bytes.
    #[arg(long, value_name = "FILE", conflicts_with = "write")]
    check: Vec<PathBuf>,

    /// Writes matrix.md, matrix.html, matrix.json and pictures at 390 and 1280 pixels into a folder
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A page of markdown
    #[default]
    Markdown,
    /// One HTML page with all bytes
    Html,
    /// A JUnit report
    Junit,
    /// JSON; with all bytes
    Json,
}

impl Matrix {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut columns = self.servers.columns()?;
        for column in &mut columns {
            let note = self.note.iter().filter_map(|note| note.split_once('='));
            if let Some((_, text)) = note.into_iter().find(|(name, _)| *name == column.head.name) {
                text.clone_into(&mut column.head.note);
            }
        }
        let runs: Vec<_> = columns.iter().map(|column| (column, self.servers.ask(column, |_| true))).collect();
        if self.format == Format::Junit {
            let runs: Vec<_> = runs.iter().map(|(column, outcomes)| (&column.suite, &**outcomes)).collect();
            return self.put(&junit(&runs), None);
        }
        let mut matrix = matrix::Matrix::default();
        for (column, outcomes) in &runs {
            matrix.add(column.head.clone(), &column.suite, outcomes, |test| column.again(test));
        }
        if let Some(path) = &self.keep {
            let older = of_html(&read(path)?).map_err(|error| failed(&path.display().to_string(), error))?;
            matrix.keep(&older);
        }
        matrix.trim(true);
        if let Some(folder) = &self.write {
            return write_all(matrix, folder);
        }
        let text = match self.format {
            Format::Html => html(&matrix).map_err(|error| failed("cannot write HTML", error))?,
            Format::Json => json(&matrix)?,
            Format::Markdown | Format::Junit => markdown(&matrix),
        };
        matrix.trim(false);
        self.put(&text, Some(&matrix))
    }

    /// Writes the text or compares it; of the verdicts there may be a file of their own.
    fn put(&self, text: &str, verdicts: Option<&matrix::Matrix>) -> Result<(), Failure> {
        let mut stale = Vec::new();
        for path in &self.check {
            let verdicts = verdicts.filter(|_| path.extension().is_some_and(|end| end == "json"));
            let own = verdicts.map(json).transpose()?;
            stale.extend(differs(path, own.as_deref().unwrap_or(text))?);
        }
        if !stale.is_empty() {
            return Err(Failure::Run(stale.join("\n")));
        }
        match &self.output {
            _ if !self.check.is_empty() => Ok(()),
            Some(path) => write(path, text),
            None => print(text.trim_end()),
        }
    }
}

/// Compares a file with what it should be; what differs, if something does.
fn differs(path: &Path, text: &str) -> Result<Option<String>, Failure> {
    let found = read(path)?;
    if found == text {
        return print(format_args!("{} {} is current", paint(GREEN, "✓"), path.display())).map(|()| None);
    }
    let line = found.lines().zip(text.lines()).position(|(old, new)| old != new);
    let line = line.unwrap_or_else(|| found.lines().count().min(text.lines().count()));
    let at = |text: &str| text.lines().nth(line).unwrap_or("(nothing)").to_owned();
    Ok(Some(format!(
        "{} is not current; line {} is\n  {}\nand should be\n  {}",
        path.display(),
        line + 1,
        at(&found),
        at(text),
    )))
}

fn write_all(mut matrix: matrix::Matrix, folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| failed(&folder.display().to_string(), error))?;
    write(&folder.join("matrix.md"), &markdown(&matrix))?;
    let page = folder.join("matrix.html");
    write(&page, &html(&matrix).map_err(|error| failed("cannot write HTML", error))?)?;
    matrix.trim(false);
    write(&folder.join("matrix.json"), &json(&matrix)?)?;
    for width in [390, 1280] {
        picture::take(&page, &folder.join(format!("matrix-{width}.png")), width)?;
    }
    print(format_args!("written to {}", folder.display()))
}

fn json(matrix: &matrix::Matrix) -> Result<String, Failure> {
    let text = serde_json::to_string(matrix).map_err(|error| failed("cannot write JSON", error))?;
    // A line a row: differences of two versions can be read.
    Ok(text.replace("{\"id\":", "\n{\"id\":") + "\n")
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| failed(&path.display().to_string(), error))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| failed(&path.display().to_string(), error))
}
