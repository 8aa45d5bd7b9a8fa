use neurolink_core::ContentCoding;
use serde::Serialize;

use crate::layers::Value;
use crate::reader::{Section, integer, size};
use crate::show;

/// Section `body`: sizes of request bodies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BodyConfig {
    /// Bytes of a body, unless a route says otherwise: 1 MiB.
    #[serde(serialize_with = "show::size")]
    pub limit: usize,
    /// Depth of nested arrays and objects in JSON: 64.
    pub json_depth: usize,
    /// Bytes of bodies that the server holds at one time: 256 MiB.
    #[serde(serialize_with = "show::size")]
    pub budget: usize,
    /// The fewest bytes of a body in a second, after the first `timeout.body`: 240; 0 for any number.
    pub min_rate: u32,
    /// Content codings that bodies may come in: none. They are inflated as they are read, within `limit`.
    #[serde(serialize_with = "show::texts")]
    pub decompress: Vec<ContentCoding>,
    /// Parts of a form: 1,000.
    pub parts: usize,
    /// Bytes of a part: as many as the body may have.
    #[serde(serialize_with = "show::optional_size")]
    pub part_limit: Option<usize>,
    /// Bytes of the header lines of a part: 8 KiB.
    #[serde(serialize_with = "show::size")]
    pub part_head: usize,
}

impl Default for BodyConfig {
    fn default() -> Self {
        Self {
            limit: 1 << 20,
            json_depth: 64,
            budget: 256 << 20,
            min_rate: 240,
            decompress: Vec::new(),
            parts: 1_000,
            part_limit: None,
            part_head: 8 << 10,
        }
    }
}

impl BodyConfig {
    pub(crate) fn read(&mut self, mut section: Section<'_>) {
        section.set("limit", &mut self.limit, |value| match size(value)? {
            0 => Err("it is zero, so that every body would be refused; write at least `1`".into()),
            limit => Ok(limit),
        });
        section.set("json_depth", &mut self.json_depth, integer(1, 120));
        section.set("budget", &mut self.budget, |value| match size(value)? {
            0 => Err("it is zero, so that no body could pass; give for example `256mb`".into()),
            budget => Ok(budget),
        });
        section.set("min_rate", &mut self.min_rate, integer(0, 1_000_000_000));
        let mut codings = Vec::new();
        section.list("decompress", &mut codings, |name| name.parse::<ContentCoding>().map(|_| ()));
        self.decompress = codings.iter().filter_map(|name| name.parse().ok()).collect();
        section.set("parts", &mut self.parts, integer(1, 1_000_000));
        section.set("part_limit", &mut self.part_limit, |value| match value {
            Value::Bool(false) => Ok(None),
            Value::Text(word) | Value::String(word) if word.eq_ignore_ascii_case("off") => Ok(None),
            value => match size(value).map_err(|problem| format!("{problem}; or `off`"))? {
                0 => Err("it is zero, so that every part would be refused; give more, or `off`".into()),
                limit => Ok(Some(limit)),
            },
        });
        section.set("part_head", &mut self.part_head, |value| match size(value)? {
            0 => Err("it is zero, so that every part would be refused; give for example `8kb`".into()),
            head => Ok(head),
        });
        if self.limit > self.budget {
            section.missing("limit", "a single body is larger than all bodies may be together; raise `body.budget`");
        }
        section.finish();
    }
}
