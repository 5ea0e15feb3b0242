/* SPDX-License-Identifier: MIT */
/* How far a heartbeat got; see leg_trace.h. */
#include "prober/leg_trace.h"

#include "prober/leg_report.h"
#include "prober/leg_ws.h"

void leg_trace_late(struct t3ops_leg *leg)
{
	bool acknowledged;

	if (leg->carrier != NULL && leg->pinged_us != 0 && leg_ws_acknowledged(leg->carrier, &acknowledged))
		leg_report_trace(leg, acknowledged ? BEAT_ACKNOWLEDGED : BEAT_NOT_ACKNOWLEDGED);
}

void leg_trace_beat(struct t3ops_leg *leg, uint32_t fate)
{
	if (fate == T3OPS_BEAT_NOT_ARRIVED || fate == T3OPS_BEAT_ANSWERED)
		leg_report_trace(leg, fate == T3OPS_BEAT_ANSWERED ? BEAT_ANSWER_LOST : BEAT_NOT_ARRIVED);
}

void leg_trace_stamps(struct t3ops_leg *leg, uint64_t sent_us, uint64_t received_us, uint64_t answered_us)
{
	const struct leg_stamps stamps = {sent_us, received_us, answered_us, clock_mono_us()};
	uint64_t longer_us[WAYS];

	if (answered_us < received_us || stamps.returned_us < sent_us)
		return; /* the far end says what cannot be */
	leg_way_take(&leg->way, &stamps, longer_us);
	leg_metrics_ways(&leg->metrics, answered_us - received_us, longer_us);
}
