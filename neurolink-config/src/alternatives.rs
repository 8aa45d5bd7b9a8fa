//! Keys of which one is chosen: a later layer's choice takes the place of an earlier one's.

use crate::layers::{Table, Value};
use crate::reader::boolean;

/// A section and its sides; each side is the keys that belong together.
type Alternatives = (&'static [&'static str], &'static [&'static [&'static str]]);

const ALTERNATIVES: [Alternatives; 11] = [
    (&["server"], &[&["unix"], &["host", "port"]]),
    (&["auth"], &[&["token"], &["token_file"]]),
    (&["auth", "jwt"], &[&["secret"], &["secret_file"]]),
    (&["auth", "jwt"], &[&["public_key"], &["public_key_file"]]),
    (&["auth", "jwt"], &[&["jwks"], &["jwks_file"], &["jwks_url"]]),
    (&["auth", "jwt"], &[&["issuer"], &["any_issuer"]]),
    (&["auth", "jwt"], &[&["audience"], &["any_audience"]]),
    (&["auth", "login"], &[&["secret"], &["secret_file"]]),
    (&["auth", "login"], &[&["redis_url"], &["redis_url_file"]]),
    (&["auth", "api_keys"], &[&["redis_url"], &["redis_url_file"]]),
    (&["rate_limit"], &[&["redis_url"], &["redis_url_file"]]),
];

/// Removes from the layers below what this one has chosen an alternative to.
///
/// What is chosen twice in one layer stays: whoever reads the section knows which wins, or that it is a mistake.
pub(crate) fn give_way(below: &mut Table, layer: &Table) {
    for (section, sides) in ALTERNATIVES {
        let Some(layer) = inside(layer, section) else { continue };
        let Some(below) = inside_mut(below, section) else { continue };
        let chosen = |side: &[&str]| side.iter().any(|key| chooses(layer, key));
        if !sides.iter().any(|side| chosen(side)) {
            continue;
        }
        for key in sides.iter().filter(|side| !chosen(side)).copied().flatten() {
            below.remove(*key);
        }
    }
}

/// Whether the layer has the key; a switch that is off chooses nothing.
fn chooses(layer: &Table, key: &str) -> bool {
    let is_switch = key.starts_with("any_");
    layer.get(key).is_some_and(|entry| !is_switch || boolean(&entry.value) != Ok(false))
}

fn inside<'a>(table: &'a Table, section: &[&str]) -> Option<&'a Table> {
    section.iter().try_fold(table, |table, name| match &table.get(*name)?.value {
        Value::Table(inner) => Some(inner),
        _ => None,
    })
}

fn inside_mut<'a>(table: &'a mut Table, section: &[&str]) -> Option<&'a mut Table> {
    section.iter().try_fold(table, |table, name| match &mut table.get_mut(*name)?.value {
        Value::Table(inner) => Some(inner),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The README lists every key, which another test sees to.
    #[test]
    fn a_key_and_its_file_give_way_to_one_another_across_layers() {
        let rows = include_str!("../README.md").lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        let mut files = 0;
        for (key, _) in rows.filter(|(key, _)| key.ends_with("_file") && !key.contains("[]")) {
            files += 1;
            let (section, name) = key.rsplit_once('.').expect("a section");
            let section: Vec<&str> = section.split('.').collect();
            let value = name.trim_end_matches("_file");
            let apart = |sides: &[&[&str]]| {
                let side = |key| sides.iter().position(|side| side.contains(&key));
                side(name).zip(side(value)).is_some_and(|(file, value)| file != value)
            };
            let known = ALTERNATIVES.iter().any(|(other, sides)| **other == *section && apart(sides));
            assert!(known, "`{key}` is no alternative to `{value}`");
        }
        assert_eq!(files, 8);
    }
}
