//! A picture of a page, by a browser without a window.

use std::path::Path;
use std::process::{Command, Stdio};

use super::failed;
use crate::output::Failure;

/// The names that the browser has on Debian and elsewhere.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// Pixels of height: enough to judge the page by.
const HEIGHT: u32 = 2000;

/// Takes a picture of a page of this machine at a width in pixels.
pub(super) fn take(page: &Path, picture: &Path, width: u32) -> Result<(), Failure> {
    let absolute = |path: &Path| std::path::absolute(path).map_err(|error| failed(&path.display().to_string(), error));
    let (page, picture) = (absolute(page)?, absolute(picture)?);
    let profile = std::env::temp_dir().join(format!("neurolink-picture-{}", std::process::id()));
    for browser in BROWSERS {
        let made = Command::new(browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(format!("--window-size={width},{HEIGHT}"))
            .arg(format!("--screenshot={}", picture.display()))
            .arg(format!("file://{}", page.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let _ = std::fs::remove_dir_all(&profile);
        match made {
            Ok(status) if status.success() && picture.exists() => return Ok(()),
            Ok(status) => return Err(Failure::Run(format!("{browser} made no picture: {status}"))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(browser, error)),
        }
    }
    Err(Failure::Run("pictures need a browser; install one with: apt-get install chromium".into()))
}
