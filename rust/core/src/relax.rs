//! A step of a plan, applied to what a contact needs. Hard requirements always hold.

use crate::words::{Name, PlanStep, Replacement, Requirement};

/// What is left of `needs` after the step, for a customer who accepts these other languages.
pub(crate) fn relaxed(needs: &[Requirement], step: &PlanStep, accepts: &[Name]) -> Vec<Requirement> {
    let mut left: Vec<Requirement> = Vec::with_capacity(needs.len());
    for need in needs {
        join(&mut left, need.clone());
    }
    for lower in &step.lower {
        for need in left.iter_mut().filter(|need| need.skill == lower.skill && !need.hard) {
            need.level = need.level.min(lower.level);
        }
    }
    left.retain(|need| need.hard || !step.drop.contains(&need.skill));
    for replacement in step.replace.iter().filter(|it| it.language.as_ref().is_none_or(|language| accepts.contains(language))) {
        replace(&mut left, replacement);
    }
    left
}

/// A double requirement is one: the higher level wins, hard wins.
pub(crate) fn join(needs: &mut Vec<Requirement>, new: Requirement) {
    match needs.iter_mut().find(|need| need.skill == new.skill) {
        Some(need) => {
            need.level = need.level.max(new.level);
            need.hard |= new.hard;
        }
        None => needs.push(new),
    }
}

fn replace(needs: &mut Vec<Requirement>, replacement: &Replacement) {
    let Some(at) = needs.iter().position(|need| need.skill == replacement.skill && !need.hard) else { return };
    let by = Requirement { hard: false, ..replacement.by.clone() };
    let required = needs.iter().enumerate().any(|(other, need)| other != at && need.skill == by.skill);
    if required {
        needs.remove(at);
        join(needs, by);
    } else if let Some(need) = needs.get_mut(at) {
        *need = by;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(text: &str) -> Vec<Requirement> {
        let need = |word: &str| {
            let (skill, level) = word.split_once(':').unwrap();
            let level_number = level.trim_end_matches('~').parse().unwrap();
            Requirement { skill: Name::new(skill).unwrap(), level: level_number, hard: !level.ends_with('~') }
        };
        text.split_whitespace().map(need).collect()
    }

    fn step() -> PlanStep {
        PlanStep {
            after_ms: 0,
            lower: Vec::new(),
            drop: Vec::new(),
            replace: Vec::new(),
            queues: Vec::new(),
            raise_priority: 0,
            release_preference: false,
        }
    }

    fn replacing(skill: &str, by: &str, language: Option<&str>) -> PlanStep {
        let by = needs(by).remove(0);
        let language = language.and_then(Name::new);
        PlanStep { replace: vec![Replacement { skill: Name::new(skill).unwrap(), by, language }], ..step() }
    }

    #[test]
    fn soft_ones_are_lowered_and_never_raised() {
        let step = PlanStep { lower: needs("nl:5 fr:9 de:1"), ..step() };
        assert_eq!(relaxed(&needs("nl:8~ fr:3~ de:7"), &step, &[]), needs("nl:5~ fr:3~ de:7"));
    }

    #[test]
    fn soft_ones_are_dropped() {
        let drop = vec![Name::new("nl").unwrap(), Name::new("de").unwrap()];
        assert_eq!(relaxed(&needs("nl:8~ de:7 fr:1~"), &PlanStep { drop, ..step() }, &[]), needs("de:7 fr:1~"));
    }

    #[test]
    fn a_language_is_replaced_if_the_customer_accepts_another() {
        let step = replacing("nl", "en:6", Some("en"));
        assert_eq!(relaxed(&needs("nl:5~ fr:1~"), &step, &[Name::new("en").unwrap()]), needs("en:6~ fr:1~"));
        assert_eq!(relaxed(&needs("nl:5~"), &step, &[Name::new("fr").unwrap()]), needs("nl:5~"));
        assert_eq!(relaxed(&needs("nl:5"), &replacing("nl", "en:6", None), &[]), needs("nl:5"));
        assert_eq!(relaxed(&needs("nl:5~"), &replacing("nl", "nl:3", None), &[]), needs("nl:3~"));
    }

    #[test]
    fn double_requirements_are_one() {
        assert_eq!(relaxed(&needs("nl:5~ en:2 nl:8~"), &step(), &[]), needs("nl:8~ en:2"));
        assert_eq!(relaxed(&needs("nl:5~ en:2"), &replacing("nl", "en:6", None), &[]), needs("en:6"));
    }
}
