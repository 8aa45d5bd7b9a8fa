use neurolink_core::server::ServerBuilder;

use crate::Framework;

/// A server's framework by its name.
///
/// ```no_run
/// use neurolink::{App, Framework, Server, WithFramework as _};
///
/// # async fn f(app: App) -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder(app).framework(Framework::Axum).bind("127.0.0.1:3000").build()?;
/// server.run().await?;
/// # Ok(()) }
/// ```
pub trait WithFramework: Sized {
    /// Serves on this framework; when its feature is not enabled, `build` fails and names it.
    #[must_use]
    fn framework(self, framework: Framework) -> Self;
}

impl WithFramework for ServerBuilder {
    fn framework(self, framework: Framework) -> Self {
        match framework.adapter() {
            Ok(adapter) => self.adapter(adapter),
            Err(problem) => self.problem(problem),
        }
    }
}
