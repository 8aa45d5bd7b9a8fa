//! Cases by area against several servers: the table that shows where they agree.

mod html;
mod junit;
mod markdown;
mod model;

pub use html::{html, of_html};
pub use junit::junit;
pub use markdown::markdown;
pub use model::{Answer, Cell, Details, Head, Matrix, Row};
