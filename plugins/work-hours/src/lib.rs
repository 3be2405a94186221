//! A strategy: outside working hours it shows the cached answer without a request. During them, or
//! with nothing cached, the next step decides.

use jiff::civil::{DateTime, Time, Weekday};
use warmstart_plugin::{Cache, Ctx, Decision, Failure, Query, Result, Serve, Strategy, export};

struct WorkHours;

/// `[plugins.NAME.config]`.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// `09:00`.
    from: String,
    /// `18:00`; earlier than `from` for a night shift.
    to: String,
    /// Of `mon tue wed thu fri sat sun`.
    days: Vec<String>,
    /// Such as `Europe/Berlin`; the machine's time zone when unset.
    time_zone: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        let days = ["mon", "tue", "wed", "thu", "fri"].map(str::to_owned);
        Config { from: "09:00".into(), to: "18:00".into(), days: days.into(), time_zone: None }
    }
}

impl Strategy for WorkHours {
    const NAME: &'static str = "work_hours";
    const BEFORE: bool = true;

    fn before(ctx: &Ctx<'_>, _: &Query, cache: &Cache) -> Result<Option<Serve>> {
        let is_off = !is_working_time(ctx)?;
        Ok((is_off && cache.is_usable()).then_some(Serve::Cached))
    }

    fn after_failure(ctx: &Ctx<'_>, _: &Query, _: &Failure, cache: &Cache) -> Result<Decision> {
        let is_off = !is_working_time(ctx)?;
        Ok(if is_off && cache.is_usable() { Decision::Cached } else { Decision::Decline })
    }
}

fn is_working_time(ctx: &Ctx<'_>) -> Result<bool> {
    let config: Config = ctx.config()?;
    let now = jiff::Timestamp::now();
    let local = match &config.time_zone {
        None => now.to_zoned(jiff::tz::TimeZone::system()),
        Some(name) => now.in_tz(name).map_err(|error| ctx.wrong_setting("time_zone", error))?,
    };
    let hours = Hours::read(&config).map_err(|(key, wrong)| ctx.wrong_setting(key, wrong))?;
    Ok(hours.contain(local.datetime()))
}

/// A key and why its value is invalid.
type Wrong = (&'static str, String);

struct Hours {
    from: Time,
    to: Time,
    days: Vec<Weekday>,
}

impl Hours {
    fn read(config: &Config) -> Result<Self, Wrong> {
        let time = |key, text: &str| {
            Time::strptime("%H:%M", text)
                .map_err(|_| (key, format!("`{text}` is not a time like `09:00`")))
        };
        let days = config.days.iter().map(|word| weekday(word)).collect::<Result<_, Wrong>>()?;
        Ok(Hours { from: time("from", &config.from)?, to: time("to", &config.to)?, days })
    }

    /// The hours after midnight of a night shift belong to the day before.
    fn contain(&self, now: DateTime) -> bool {
        let (time, today) = (now.time(), now.date().weekday());
        if self.from <= self.to {
            return self.days.contains(&today) && self.from <= time && time < self.to;
        }
        let is_evening = time >= self.from && self.days.contains(&today);
        let is_morning = time < self.to && self.days.contains(&today.previous());
        is_evening || is_morning
    }
}

fn weekday(word: &str) -> Result<Weekday, Wrong> {
    Ok(match word {
        "mon" => Weekday::Monday,
        "tue" => Weekday::Tuesday,
        "wed" => Weekday::Wednesday,
        "thu" => Weekday::Thursday,
        "fri" => Weekday::Friday,
        "sat" => Weekday::Saturday,
        "sun" => Weekday::Sunday,
        other => return Err(("days", format!("`{other}` is not one of mon … sun"))),
    })
}

export! { strategies: [WorkHours], settings: Config::default() }

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;
    use warmstart_plugin::{CacheState, ErrorKind};

    use super::*;

    fn hours(from: &str, to: &str) -> Hours {
        Hours::read(&Config { from: from.into(), to: to.into(), ..Config::default() }).unwrap()
    }

    #[test]
    fn hours_end_before_their_last_minute_and_may_pass_midnight() {
        let day = hours("09:00", "18:00");
        let night = hours("22:00", "06:00");
        // 2026-11-20 is a Friday.
        let table = [
            (date(2026, 11, 20).at(9, 0, 0, 0), true, false),
            (date(2026, 11, 20).at(18, 0, 0, 0), false, false),
            (date(2026, 11, 20).at(23, 0, 0, 0), false, true),
            (date(2026, 11, 21).at(5, 59, 0, 0), false, true),
            (date(2026, 11, 21).at(12, 0, 0, 0), false, false),
            (date(2026, 11, 22).at(23, 0, 0, 0), false, false),
        ];
        for (now, in_day, in_night) in table {
            assert_eq!(day.contain(now), in_day, "{now}");
            assert_eq!(night.contain(now), in_night, "{now}");
        }
    }

    #[test]
    fn outside_hours_a_usable_entry_is_served_and_without_one_it_declines() {
        let never = Ctx::test(json!({ "days": [] }));
        let query = Query::default();
        let stale = Cache { state: CacheState::Stale, age_s: Some(5400) };
        let absent = Cache::default();
        assert_eq!(WorkHours::before(&never, &query, &stale).unwrap(), Some(Serve::Cached));
        assert_eq!(WorkHours::before(&never, &query, &absent).unwrap(), None);
        let failure = Failure::default();
        let after = |cache| WorkHours::after_failure(&never, &query, &failure, cache).unwrap();
        assert_eq!((after(&stale), after(&absent)), (Decision::Cached, Decision::Decline));
        let week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let always = Ctx::test(json!({ "from": "00:00", "to": "23:59", "days": week }));
        // The hours exclude one minute of the day; a run during it cannot test this.
        if is_working_time(&always).unwrap() {
            assert_eq!(WorkHours::before(&always, &query, &stale).unwrap(), None);
        }
    }

    #[test]
    fn a_wrong_setting_is_named() {
        for (config, key) in [
            (json!({ "from": "nine" }), "from"),
            (json!({ "days": ["monday"] }), "days"),
            (json!({ "time_zone": "Atlantis/Nowhere" }), "time_zone"),
        ] {
            let error = is_working_time(&Ctx::test(config)).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Config);
            assert!(error.message.contains(&format!("plugins.test.config.{key}`")), "{error}");
        }
    }
}
