//! A real process, with an environment of its own: an example of ours, or a peer.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
};

/// A running process. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// Starts an example with these arguments and variables, and no other variables.
    pub(crate) fn example(name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Process::start(&path(name).display().to_string(), arguments, variables)
    }

    /// Starts one test of this program, which is ignored otherwise, with these variables and no others.
    pub(crate) fn this_test(name: &str, variables: &[(&str, &str)]) -> Self {
        let program = std::env::current_exe().unwrap();
        let arguments = ["--exact", name, "--ignored", "--nocapture"];
        Process::start(&program.display().to_string(), &arguments, variables)
    }

    /// As [`Process::start`], in this directory.
    pub(crate) fn start_in(
        directory: &Path,
        program: impl AsRef<OsStr>,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        Process::spawn(Command::new(program).current_dir(directory), arguments, variables)
    }

    /// Starts a program with these arguments and variables, and no other variables.
    pub(crate) fn start(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Process::spawn(&mut Command::new(program), arguments, variables)
    }

    fn spawn(command: &mut Command, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let program = command.get_program().display().to_string();
        let mut child = command
            .args(arguments)
            .env_clear()
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        read(lines.clone(), stdout);
        read(lines.clone(), stderr);
        Process { child, lines }
    }

    /// Everything it wrote so far, line by line.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits for the first line that has all these words.
    pub(crate) async fn line(&self, words: &[&str]) -> String {
        super::until_or(
            || format!("a line with {words:?} in {:#?}", self.lines()),
            || async { self.lines().into_iter().find(|line| words.iter().all(|word| line.contains(word))) },
        )
        .await
    }

    /// Whether both of its outputs have ended: then all its lines are there.
    pub(crate) fn closed(&self) -> bool {
        Arc::strong_count(&self.lines) == 1
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    pub(crate) fn signal(&self, name: &str) {
        // The shell's own `kill`: the program of that name is not everywhere.
        let sent =
            Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end; all its lines are there then.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let child = Mutex::new(&mut self.child);
        let status =
            super::until("the end of the example", || async { child.lock().unwrap().try_wait().unwrap() })
                .await;
        super::until("its last words", || async { self.closed().then_some(()) }).await;
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(lines: Arc<Mutex<Vec<String>>>, output: impl std::io::Read + Send + 'static) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            lines.lock().unwrap().push(line);
        }
    });
}

/// `cargo test` builds the examples beside the test.
pub(crate) fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().parent().unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is missing; build it with `cargo build --examples`", path.display());
    path
}
