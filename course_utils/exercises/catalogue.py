"""All exercises of the course, in the order of the lectures."""

from course_utils.exercises import lecture_00, lecture_01, lecture_02, lecture_03, lecture_04, lecture_05, lecture_06
from course_utils.exercises.exercise import Exercise

EXERCISES: dict[str, Exercise] = {
    name: exercise
    for lecture in (lecture_00, lecture_01, lecture_02, lecture_03, lecture_04, lecture_05, lecture_06)
    for name, exercise in lecture.EXERCISES.items()
}


def of_lecture(number: str) -> list[str]:
    """Name the exercises of a lecture, such as ``"02"``."""
    return [name for name in EXERCISES if name.startswith(f"{number}_")]
