//! A `.env` file that nobody read.

use super::{Environment, is_ours};
use std::path::Path;

/// Longer ones are looked at by nobody: it is only a hint.
const MOST_BYTES: u64 = 64 * 1024;
const MOST_LINES: usize = 4096;

impl Environment {
    /// Which variables of ours a file in `.env` form has that the environment had not when it was read: a crate for such
    /// files that comes too late, or none at all. The file is there for other programs too, so that is no fault.
    pub(crate) fn unread(&self, path: &Path) -> Option<String> {
        // A pipe of that name would never end.
        std::fs::metadata(path).ok().filter(|file| file.is_file() && file.len() <= MOST_BYTES)?;
        let lines = dotenvy::from_path_iter(path).ok()?.take(MOST_LINES).filter_map(Result::ok);
        let set = lines.filter(|(name, value)| is_ours(name) && !value.trim().is_empty());
        let mut names: Vec<String> =
            set.map(|(name, _)| name).filter(|name| self.written(name).is_none()).collect();
        names.sort();
        names.dedup();
        let names = names.join(", ");
        let file = path.display();
        (!names.is_empty()).then(|| {
            format!(
                "{file}: has {names}, which the environment had not when it was read; read it before, or by \
                 Config::from_env_or_file({file:?})"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// Removed when dropped.
    struct File(PathBuf);

    impl Drop for File {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    fn file(name: &str, text: &str) -> File {
        let path = std::env::temp_dir().join(format!("throughline-{name}-{}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        File(path)
    }

    #[test]
    fn only_what_is_ours_and_set_nowhere_else_is_named() {
        let file = file(
            "unread",
            "# a comment\nOTEL_SERVICE_NAME=cart\nexport NODE_IP=10.0.0.7\nDATABASE_URL=postgres://ada:s3cret@db\n\
             OTEL_TRACES_SAMPLER=\nTHROUGHLINE_VIEW=1\nnot a variable\nOTEL_SERVICE_NAME=shop\n",
        );
        let unread = |vars: &[(&str, &str)]| {
            let vars = vars.iter().map(|(name, value)| (name.to_string(), value.to_string()));
            Environment::from_vars(vars).unread(&file.0)
        };
        let told = unread(&[("THROUGHLINE_VIEW", "0")]).unwrap();
        let path = file.0.display();
        assert_eq!(
            told,
            format!(
                "{path}: has NODE_IP, OTEL_SERVICE_NAME, which the environment had not when it was read; read it before, \
                 or by Config::from_env_or_file(\"{path}\")"
            )
        );
        let all = [("THROUGHLINE_VIEW", "1"), ("NODE_IP", "::1"), ("OTEL_SERVICE_NAME", "cart")];
        assert_eq!(unread(&all), None);
    }

    #[test]
    fn what_is_no_file_or_too_long_is_not_looked_at() {
        let environment = Environment::default();
        assert_eq!(environment.unread(Path::new("/nowhere/.env")), None);
        assert_eq!(environment.unread(&std::env::temp_dir()), None);
        let long = file("unread-long", &"OTEL_SERVICE_NAME=cart\n".repeat(3_000));
        assert_eq!(environment.unread(&long.0), None);
    }
}
