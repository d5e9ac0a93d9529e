use super::*;

struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("throughline-search-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Place(path)
    }

    fn file(&self, name: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "text").unwrap();
    }

    fn search(&self, include: &[&str], exclude: &[&str]) -> Search {
        let whole =
            |patterns: &[&str]| patterns.iter().map(|name| format!("{}/{name}", self.0.display())).collect();
        Search::new(&Options { include: whole(include), exclude: whole(exclude), ..Options::default() })
            .unwrap()
    }

    fn names(&self, found: Found) -> Vec<String> {
        let name = |path: PathBuf| path.strip_prefix(&self.0).unwrap().display().to_string();
        found.paths.into_iter().map(name).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

// B-063
#[test]
fn what_matches_is_found_once_and_what_is_excluded_is_not() {
    let place = Place::new("once");
    for name in ["a/0.log", "a/1.log", "a/1.txt", "b/c/2.log", "b/3.log", "d.log", "e.log/4.log"] {
        place.file(name);
    }
    let found = |include: &[&str], exclude: &[&str]| place.names(place.search(include, exclude).look());
    assert_eq!(found(&["*/*.log"], &[]), ["a/0.log", "a/1.log", "b/3.log", "e.log/4.log"]);
    assert_eq!(found(&["*/*.log", "a/*"], &["*/1.*"]), ["a/0.log", "b/3.log", "e.log/4.log"]);
    assert_eq!(found(&["**/*.log"], &["a/**"]), ["d.log", "b/3.log", "b/c/2.log", "e.log/4.log"]);
    assert_eq!(found(&["{a,b}/[13].log", "d.log"], &[]), ["a/1.log", "b/3.log", "d.log"]);
    assert_eq!(found(&["nowhere/*.log", "d.log/*.log"], &[]), [""; 0]);
}

#[cfg(unix)]
#[test]
fn links_lead_where_they_are_named_and_never_in_a_circle() {
    let place = Place::new("links");
    place.file("pods/web/0.log");
    fs::create_dir_all(place.0.join("containers")).unwrap();
    std::os::unix::fs::symlink("../pods/web/0.log", place.0.join("containers/web.log")).unwrap();
    std::os::unix::fs::symlink("../pods", place.0.join("pods/again")).unwrap();
    let found = |include| place.names(place.search(&[include], &[]).look());
    assert_eq!(found("containers/*.log"), ["containers/web.log"]);
    assert_eq!(found("pods/*/*.log"), ["pods/web/0.log"]);
    assert_eq!(found("pods/again/*/*.log"), ["pods/again/web/0.log"]);
    assert_eq!(found("pods/**"), ["pods/again", "pods/web/0.log"]);
}

#[test]
fn a_directory_that_changed_is_read_again() {
    let place = Place::new("changed");
    place.file("a.log");
    let mut search = place.search(&["*.log"], &[]);
    assert_eq!(place.names(search.look()), ["a.log"]);
    place.file("b.log");
    assert_eq!(place.names(search.look()), ["a.log", "b.log"]);
    let long_ago = SystemTime::now() - Duration::from_secs(60);
    for time in [long_ago, long_ago - Duration::from_secs(60)] {
        // The clock went back: what was found is no longer trusted.
        fs::remove_file(place.0.join("b.log")).unwrap();
        let directory = fs::File::open(&place.0).unwrap();
        directory.set_modified(time).unwrap();
        assert_eq!(place.names(search.look()), ["a.log"]);
        assert!(search.directories[&place.0].modified == Some(time));
        place.file("b.log");
        assert_eq!(place.names(search.look()), ["a.log", "b.log"]);
    }
}
