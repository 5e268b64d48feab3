//! The scenarios of each application, played against its embedded app.

use scimulator::covers;
use scimulator::scenario::{self, Options};

use super::APPS;
use crate::sources::root;

#[test]
fn the_scenarios_of_every_app_pass() {
    for app in APPS {
        let folder = root().join("scenarios").join(app);
        let mut files: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        assert!(files.iter().any(|file| file.ends_with("story.toml")), "{app}");
        for file in files {
            let (scenario, warnings) =
                scenario::load(&file).unwrap_or_else(|findings| panic!("{}: {findings:?}", file.display()));
            assert_eq!(warnings, [], "{}", file.display());
            let report = scenario::run(&scenario, &Options::embedded());
            covers!("A-013", "A-014", "A-024", "A-027", "A-029", "A-032", "A-033", "A-038", "A-039", "A-043");
            covers!("A-049", "A-054", "A-055");
            assert!(report.is_fine(), "{report}");
        }
    }
}
