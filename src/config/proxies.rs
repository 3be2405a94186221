//! The proxy variables that every program on the machine shares. Loopback is left to `http`.

use crate::environment::Environment;
use crate::error::{Code, Failure};
use crate::secret::SafeUrl;

/// What the proxy variables name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProxyVariables {
    pub http: Option<SafeUrl>,
    pub https: Option<SafeUrl>,
    pub no_proxy: Vec<String>,
}

/// The variables, lower case before upper case.
pub const NAMES: &[&str] = &[
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
];

/// The values of the proxy variables, lower case before upper case; an unusable one is ignored.
#[must_use]
pub fn read(environment: &Environment) -> ProxyVariables {
    let first = |names: [&str; 4]| {
        let value = names.into_iter().find_map(|name| environment.get(name));
        value.and_then(|value| url(value).ok())
    };
    let none = environment.get("no_proxy").or_else(|| environment.get("NO_PROXY"));
    let none = none.unwrap_or_default().split(',').map(str::trim).filter(|host| !host.is_empty());
    ProxyVariables {
        http: first(["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]),
        https: first(["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
        no_proxy: none.map(str::to_owned).collect(),
    }
}

fn url(value: &str) -> Result<SafeUrl, String> {
    if value.contains("://") {
        SafeUrl::parse(value)
    } else {
        SafeUrl::parse(&format!("http://{value}"))
    }
}

/// What is wrong with them.
#[must_use]
pub fn problems(environment: &Environment) -> Vec<Failure> {
    let urls = NAMES.iter().filter(|name| !name.eq_ignore_ascii_case("no_proxy"));
    let set = urls.filter_map(|name| Some((name, environment.get(name)?)));
    let wrong = set.filter_map(|(name, value)| Some((name, url(value).err()?)));
    wrong.map(|(name, wrong)| Failure::new(Code::ConfigUrl, format!("`{name}` {wrong}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> ProxyVariables {
        read(&pairs.iter().copied().collect())
    }

    #[test]
    fn e22_the_small_letters_win_and_all_proxy_fills_the_gaps() {
        let origin = |url: &Option<SafeUrl>| url.as_ref().map(SafeUrl::origin).unwrap_or_default();
        let found = of(&[
            ("HTTP_PROXY", "http://big:1"),
            ("http_proxy", "joe:secret-word@small:2"),
            ("ALL_PROXY", "http://all:3"),
            ("NO_PROXY", "a.example, .b.example ,"),
        ]);
        assert_eq!(origin(&found.http), "http://small:2");
        assert_eq!(origin(&found.https), "http://all:3");
        assert_eq!(found.no_proxy, ["a.example", ".b.example"]);
        assert_eq!(of(&[("http_proxy", ""), ("no_proxy", "")]), ProxyVariables::default());
        let wrong = problems(&[("HTTP_PROXY", "ftp://joe:secret-word@x")].into_iter().collect());
        assert_eq!(wrong.len(), 1);
        let text = wrong[0].to_string();
        assert!(text.contains("`HTTP_PROXY`") && !text.contains("secret-word"), "{text}");
    }
}
