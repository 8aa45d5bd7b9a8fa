//! What a server serves: an engine that generates, and what else it can do.

mod call;
mod contract;
mod embedder;
mod event;
mod request;
mod session;
mod tools;

pub use call::Call;
pub use contract::Engine;
pub use embedder::Embedder;
pub use event::{EventStream, Metadata, StreamEvent, ToolCall, ToolOutcome, ToolResult};
pub use request::{CalledTool, FinishReason, Generate, Generation, Input, Message, Role, Usage};
pub use session::{InvalidSessionId, SessionKey};
pub use tools::{ToolError, ToolInfo, Tools};
