import Cleaning
import EventLog
package import Projection

/// What a correction did: the event and what it changed.
package struct CorrectionReport: Sendable {
    package let event: Int64
    package let capture: Capture
    package let projection: ProjectionOutcome?
    package let moves: [KPIMove]
}

extension Lake {
    /// Withdraws a capture (a wrong file), with a reason. Its figures fall back to the next capture in rank.
    package func retract(_ capture: Int64, reason: String, project: Bool = true) throws -> CorrectionReport {
        try correct(capture, .retracted, command: "retract", reason: reason, project: project)
    }

    /// Takes a retraction back; refused while an equal capture lives.
    package func reinstate(_ capture: Int64, reason: String, project: Bool = true) throws -> CorrectionReport {
        try correct(capture, .reinstated, command: "reinstate", reason: reason, project: project)
    }

    private func correct(_ seq: Int64, _ type: EventType, command: String, reason: String, project: Bool) throws -> CorrectionReport {
        let run = try Run(self, command: command)
        let (event, capture) = try log.write { transaction -> (Int64, Capture) in
            guard let captured = try transaction.event(seq), captured.type == EventType.captured.rawValue else {
                throw LedgerError("event \(seq) is not a capture; `bedrot events --type extraction.captured` lists them")
            }
            let capture = try Capture(captured)
            let isLive = try transaction.isLive(capture: seq) ?? false
            // The figures fall to other captures of the account: a projection that stops on the way helps nobody.
            if let gone = try StreamState(capture.stream, transaction).expiredAmong(capture.account, objects) { throw gone }
            let contract = run.definitions.contracts[capture.stream]?.contract
            if type == .retracted, !isLive {
                throw LedgerError("capture \(seq) (\(capture.name)) is retracted already; `bedrot reinstate \(seq)` takes that back")
            }
            if type == .reinstated {
                guard !isLive else { throw LedgerError("capture \(seq) (\(capture.name)) is live; there is nothing to take back") }
                for (other, live) in try transaction.captures(of: capture.object) where live && other != seq {
                    guard let event = try transaction.event(other), try Capture(event).isEqual(capture, under: contract) else { continue }
                    throw LedgerError("the same bytes live as capture \(other); retract that one first: bedrot retract \(other) --reason …")
                }
            }
            if let start = run.startDraftIfNeeded() { _ = try transaction.append(start) }
            return (
                try transaction.append(draft(capture.stream, type, run: run.id, ["capture": .int(seq), "reason": .string(reason)])).seq,
                capture
            )
        }
        return try finish(run, event: event, capture: capture, project: project)
    }

    /// Releases a held partition of a capture.
    package func accept(partition label: String, of seq: Int64, reason: String, project: Bool = true) throws -> CorrectionReport {
        let run = try Run(self, command: "zones accept")
        let (event, capture) = try log.write { transaction -> (Int64, Capture) in
            guard let captured = try transaction.event(seq), captured.type == EventType.captured.rawValue else {
                throw LedgerError("event \(seq) is not a capture; `bedrot zones held` lists what waits")
            }
            let capture = try Capture(captured)
            let state = try StreamState(capture.stream, transaction)
            guard let value = PartitionLabel.value(label), let entry = state.entries[seq] else {
                throw LedgerError("“\(label)” is not a partition: write a day, a month or a number as `bedrot zones held` shows it")
            }
            guard entry.held.contains(value) else {
                throw LedgerError("capture \(seq) holds no partition \(label); `bedrot zones held` lists what waits")
            }
            if let gone = state.expiredAmong(capture.account, objects) { throw gone }
            if let start = run.startDraftIfNeeded() { _ = try transaction.append(start) }
            return (
                try transaction.append(
                    draft(
                        capture.stream, .accepted, run: run.id,
                        ["capture": .int(seq), "partition": .int(value), "label": .string(label), "reason": .string(reason)])
                ).seq, capture
            )
        }
        return try finish(run, event: event, capture: capture, project: project)
    }

    private func finish(_ run: Run, event: Int64, capture: Capture, project: Bool) throws -> CorrectionReport {
        try run.complete("ok")
        guard project else {
            try log.catchUpIndexes()
            return CorrectionReport(event: event, capture: capture, projection: nil, moves: [])
        }
        let before = try? latestKPIs().values
        let outcome = try self.project()
        return CorrectionReport(
            event: event, capture: capture, projection: outcome,
            moves: kpiMoves(before ?? [], try latestKPIs().values, run.definitions.kpis))
    }

    /// A partition that waits for a person.
    package struct Held: Sendable {
        package let capture: Int64
        package let name: String
        package let stream: String
        package let account: String
        package let partition: String
        package let rows: Int64
        package let rejects: Int64
    }

    /// All partitions that are held back in live captures.
    package func held() throws -> [Held] {
        let definitions = try projector.definitions(until: try log.read { try $0.head().seq })
        var found: [Held] = []
        for (stream, (contract, _)) in definitions.contracts.sorted(by: { $0.key < $1.key }) {
            guard let column = contract.merge.partitionColumn, let type = contract.columns.first(where: { $0.name == column })?.type else {
                continue
            }
            let state = try log.read { try StreamState(stream, $0) }
            for entry in state.entries.values.sorted(by: { $0.capture.seq < $1.capture.seq }) where entry.live {
                for part in entry.promotion?.item.partitions ?? [] where entry.held.contains(part.value) {
                    found.append(
                        Held(
                            capture: entry.capture.seq, name: entry.capture.name, stream: stream, account: entry.capture.account,
                            partition: PartitionLabel.text(part.value, type), rows: part.rows, rejects: part.rejects))
                }
            }
        }
        return found
    }

    /// Says that a source value means a member, from now on: `reference.changed`.
    package func alias(kind: String, service: String, value: String, member: String, name: String?) throws -> Int64 {
        let run = try Run(self, command: "reference")
        let seq = try log.write { transaction in
            if let start = run.startDraftIfNeeded() { _ = try transaction.append(start) }
            var body: [String: JSON] = [
                "kind": .string(kind), "service": .string(service), "value": .string(value), "member": .string(member),
            ]
            if let name { body["name"] = .string(name) }
            return try transaction.append(draft("reference/\(kind)", .referenceChanged, run: run.id, .object(body))).seq
        }
        try run.complete("ok")
        return seq
    }
}
