/* SPDX-License-Identifier: MIT */
/*
 * How far a heartbeat of a leg got that was not answered: one row gives the enum, the label in verdicts, and the
 * words of events and the manual.
 *
 *   BEAT_TRACE(IDENTIFIER, label, sentence)
 */
/* clang-format off */
BEAT_TRACE(UNTRACED, "", "")
BEAT_TRACE(NOT_ACKNOWLEDGED, "not_acknowledged", "not even the next hop that speaks TCP acknowledged it")
BEAT_TRACE(ACKNOWLEDGED, "acknowledged", "the next hop that speaks TCP acknowledged it: what is silent lies beyond")
BEAT_TRACE(NOT_ARRIVED, "not_arrived", "it never arrived at the echo")
BEAT_TRACE(ANSWER_LOST, "answer_lost", "the echo received it and answered: the answer was lost on the way back")
/* clang-format on */
