//! Limits that would count as one in their store without having been told to.

use crate::config::Problems;
use crate::stack::Registered;

/// The limits of an app that count in stores.
#[derive(Default)]
pub(super) struct StoredCounts(Vec<Registered>);

impl StoredCounts {
    /// Finds two limits of one name in one store: there they have one count, and in this process each its own.
    pub(super) fn note(&mut self, steps: &[Registered], problems: &mut Problems) {
        for step in steps {
            let Some(rule) = step.middleware.as_rate_limit() else { continue };
            let names: Vec<_> = rule.names_in_store(&step.name).collect();
            let is_one = |other: &Registered| {
                let of_other = other.middleware.as_rate_limit().filter(|other| rule.collides(other));
                of_other.is_some_and(|rule| rule.names_in_store(&other.name).any(|name| names.contains(&name)))
            };
            if self.0.iter().any(is_one) {
                problems.add_once(
                    format!("middleware.{}", step.name),
                    "two limits of this name would have one count in their store; give one of them another name with \
                     `.named(\"..\")`, or register a clone of one limit twice if they are to share it",
                );
            }
            self.0.push(step.clone());
        }
    }
}
