import Cleaning
import EventLog
import Projection

/// A source's file has another shape than its contract, or the file before it, led to expect.
package struct Drift: Sendable, Equatable {
    /// Headings and members that the contract does not know, as the file spells them; `a.b` is a member of a member.
    package let new: [String]
    /// Those of them whose values were hidden, because the dataset holds personal data and nobody has said what they are.
    package let hidden: [String]
    /// Optional columns that the account's capture before had and this one lacks.
    package let missing: [String]
    /// Columns whose values stopped reading as their type: most lines were rejected for it.
    package let retyped: [String]
    /// Names stream, contract and shape: a shape is reported once.
    let key: String

    /// nil when the capture has the shape that was to be expected.
    ///
    /// The capture before is the next lower in rank, so that an old file fed late is no change of the source.
    init?(_ item: StagedPromotion, _ report: CleaningReport, of capture: Capture, contract: Hash256, state: StreamState) {
        let before = state.ranked(capture.account).last { $0.capture.seq != capture.seq && $0.capture.rank < capture.rank }
        let known = Set(before?.promotion?.item.missing ?? item.missing)
        missing = item.missing.filter { !known.contains($0) }
        let protected = capture.protection?.hidden ?? []
        new = report.newColumns + protected.filter { !report.newColumns.contains($0) }
        hidden = new.filter { protected.contains($0) }
        retyped = report.retyped
        guard !new.isEmpty || !missing.isEmpty || !retyped.isEmpty else { return nil }
        func set(_ names: [String]) -> JSON { .array(names.sorted().map { .string($0) }) }
        let shape = (try? JSON.array([set(new), set(item.missing)] + (retyped.isEmpty ? [] : [set(retyped)])).canonical()) ?? []
        key = "drifted \(capture.stream) \(contract.hex) \(Hash256(hashing: shape).hex)"
    }

    /// The body of `zone.drifted`.
    func body(_ capture: Capture, contract: Hash256) -> JSON {
        var body: [String: JSON] = [
            "capture": .int(capture.seq), "name": .string(capture.name), "contract": .string(contract.hex), "key": .string(key),
            "new": .array(new.map { .string($0) }), "missing": .array(missing.map { .string($0) }),
        ]
        if !hidden.isEmpty { body["hidden"] = .array(hidden.map { .string($0) }) }
        if !retyped.isEmpty { body["retyped"] = .array(retyped.map { .string($0) }) }
        return .object(body)
    }
}
