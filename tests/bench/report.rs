//! What the rounds have shown, for people as tables and for machines as JSON Lines.
//!
//! `main` hands over the [`Results`].

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};

use anyhow::Result;
use serde_json::json;

use crate::case::Scale;
use crate::placement::{Placement, cores};
use crate::rounds::{Results, Series};

/// The width of the names in a table.
const NAME: usize = 14;
/// The width of the columns of one size in a table.
const BLOCK: usize = 40;

/// A series in numbers: medians over the rounds.
struct Figures {
    main: f64,
    beside: f64,
    /// The median of the rounds' ratios to the unit in the same round, and the lowest and highest.
    ratio: f64,
    low: f64,
    high: f64,
}

impl Figures {
    fn of(series: &Series, unit: &Series) -> Self {
        let pairs = series.samples.iter().zip(&unit.samples);
        let ratios: Vec<f64> = pairs
            .map(|(sample, unit)| sample.main / unit.main)
            .collect();
        Self {
            main: median(series.samples.iter().map(|sample| sample.main)),
            beside: median(series.samples.iter().map(|sample| sample.beside)),
            ratio: median(ratios.iter().copied()),
            low: ratios.iter().copied().fold(f64::INFINITY, f64::min),
            high: ratios.iter().copied().fold(0.0, f64::max),
        }
    }
}

impl Results {
    /// Each series with its figures, which are ratios to the first series that does the same.
    fn figures(&self) -> impl Iterator<Item = (&Series, Figures)> {
        self.series.iter().map(|series| {
            let mut all = self.series.iter();
            let unit = all.find(|unit| unit.is_comparable_with(series));
            (series, Figures::of(series, unit.unwrap_or(series)))
        })
    }
}

/// Prints a table for each group and placement.
pub(crate) fn print_tables(results: &Results) -> Result<()> {
    let mut text = String::new();
    let controls: Vec<_> = results
        .controls
        .iter()
        .map(|control| format!("{control:.2}"))
        .collect();
    writeln!(text, "{}, {} cores", processor(), cores().len())?;
    writeln!(
        text,
        "spin control (2.00 is a quiet machine), before each of {} rounds and after: {}",
        results.rounds,
        controls.join(" ")
    )?;
    writeln!(
        text,
        "ratio: to the first line, median (lowest to highest) of the rounds"
    )?;
    let figures: Vec<_> = results.figures().collect();
    let mut tables: Vec<(&str, Placement)> = Vec::new();
    for (series, _) in &figures {
        let table = (series.group.name, series.setting.placement);
        if !tables.contains(&table) {
            tables.push(table);
        }
    }
    for (group, placement) in tables {
        let is_in =
            |series: &Series| series.group.name == group && series.setting.placement == placement;
        let rows: Vec<_> = figures.iter().filter(|(series, _)| is_in(series)).collect();
        table(&mut text, &rows)?;
    }
    Ok(io::stdout().write_all(text.as_bytes())?)
}

/// Writes one table: a row for each subject, with a block of columns for each size of body.
fn table(text: &mut String, cells: &[&(&Series, Figures)]) -> Result<()> {
    let Some((first, _)) = cells.first() else {
        return Ok(());
    };
    let (group, placement) = (first.group, first.setting.placement);
    let place = match placement {
        Placement::Pinned => "; it has a core of its own",
        Placement::Unpinned if group.scale == Scale::Start => "",
        Placement::Unpinned => "; all share the cores",
    };
    writeln!(text, "\n{}{place}", group.title)?;
    if group.sizes.len() > 1 {
        let sizes = group
            .sizes
            .iter()
            .map(|bytes| format!("{:>BLOCK$}", format!("{bytes} B")));
        writeln!(text, "{:NAME$}{}", "", sizes.collect::<String>())?;
    }
    let (main, beside) = units(group.scale);
    let heads = format!("{:>7} {:>14}{main:>10}{beside:>8}", "ratio", "(from to)");
    writeln!(text, "{:NAME$}{}", "", heads.repeat(group.sizes.len()))?;
    for subject in group.subjects {
        let mut row = cells
            .iter()
            .filter(|(series, _)| series.subject.name == subject.name)
            .peekable();
        if row.peek().is_none() {
            continue;
        }
        write!(text, "{:NAME$}", subject.name)?;
        for (_, figures) in row {
            let Figures {
                ratio, low, high, ..
            } = figures;
            let (main, beside) = (figures.main / scale_of(group.scale), figures.beside);
            let range = format!("({low:.2} {high:.2})");
            write!(text, "{ratio:>7.2} {range:>14}{main:>10.1}{beside:>8.2}")?;
        }
        let goal = if subject.goal.is_empty() {
            String::new()
        } else {
            format!("  goal {}", subject.goal)
        };
        writeln!(text, "{goal}")?;
    }
    Ok(())
}

/// What the two numbers of a sample are in a table.
fn units(scale: Scale) -> (&'static str, &'static str) {
    match scale {
        Scale::Throughput => ("k msg/s", "CPU us"),
        Scale::Latency => ("p50 us", "p99 us"),
        Scale::Start => ("ready ms", "RSS MB"),
    }
}

/// How many of the unit of a sample are one in a table.
fn scale_of(scale: Scale) -> f64 {
    if scale == Scale::Throughput { 1e3 } else { 1.0 }
}

/// Prints a line about the machine and one for each series.
pub(crate) fn print_json(results: &Results) -> Result<()> {
    let mut out = io::stdout().lock();
    let machine = json!({
        "processor": processor(),
        "cores": cores().len(),
        "rounds": results.rounds,
        "spin_controls": results.controls,
    });
    writeln!(out, "{machine}")?;
    for (series, figures) in results.figures() {
        let (main, beside) = match series.group.scale {
            Scale::Throughput => ("messages_per_second", "cpu_us_per_message"),
            Scale::Latency => ("p50_us", "p99_us"),
            Scale::Start => ("ready_ms", "rss_mb"),
        };
        let line = json!({
            "group": series.group.name,
            "subject": series.subject.name,
            "placement": series.setting.placement,
            "bytes": series.setting.bytes,
            "messages": series.setting.messages,
            "ratio": figures.ratio,
            "ratio_low": figures.low,
            "ratio_high": figures.high,
            main: figures.main,
            beside: figures.beside,
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
    let lower = sorted
        .get((sorted.len().saturating_sub(1)) / 2)
        .copied()
        .unwrap_or(f64::NAN);
    f64::midpoint(lower, upper)
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    name.map_or("processor unknown", |name| {
        name.trim_start_matches([' ', '\t', ':'])
    })
    .to_owned()
}
