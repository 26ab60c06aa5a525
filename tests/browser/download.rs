//! What a page hands out.

use super::Browser;
use super::driver::DOWNLOADS;
use super::session::PATIENCE;
use std::time::Duration;

/// Between two looks at a folder.
const LOOK: Duration = Duration::from_millis(20);

impl Browser {
    /// The report that the browser was told to keep, once it is whole; it is taken away.
    pub async fn downloaded(&self) -> String {
        let folder = self.folder.path().join(DOWNLOADS);
        let whole = async {
            loop {
                // Both browsers write under another name first; Firefox makes an empty file with the final one.
                let mut files = folder.read_dir().expect("a folder").map(|entry| entry.expect("an entry").path());
                let json = files.find(|file| file.extension().is_some_and(|end| end == "json"));
                if let Some(file) = json
                    && std::fs::metadata(&file).is_ok_and(|file| file.len() > 0)
                {
                    let text = std::fs::read_to_string(&file).expect("a text");
                    std::fs::remove_file(file).expect("a file");
                    return text;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(PATIENCE, whole).await.expect("a download")
    }
}
