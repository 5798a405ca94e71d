import Cleaning
import EventLog
import Projection

/// Reasons to ask a person before a file's rows count. `--accept-changes` is the answer to each.
struct Doubts {
    let lake: Lake
    let state: StreamState

    /// Codes of quarantines that a person can answer; a changed contract does not lift them.
    static let codes: Set<String> = ["looks_like_another_account", "days_to_come", "name_says_too_little"]

    /// The first reason to doubt the file, or nil.
    func doubt(_ capture: Capture, contract: Contract, hash: Hash256, report: CleaningReport, reader: CaptureReader) throws
        -> CleaningError?
    {
        try daysToCome(capture, contract, report, reader) ?? nameless(capture, contract, hash, reader)
            ?? ChangeCheck(lake: lake, state: state).doubt(capture, contract: contract, hash: hash, reader: reader)
    }

    private func file(_ capture: Capture) -> String {
        (capture.landing.isEmpty ? capture.name : lake.layout.path(capture.landing)).shellQuoted
    }

    private func again(_ capture: Capture) -> String {
        "bedrot ingest --accept-changes --account \(capture.account.shellQuoted) \(file(capture))"
    }

    /// Rows of days that nobody can know of yet.
    private func daysToCome(_ capture: Capture, _ contract: Contract, _ report: CleaningReport, _ reader: CaptureReader) throws
        -> CleaningError?
    {
        guard let last = report.period?.upperBound, last > Ahead().lastDay,
            let ahead = try CoveredDays(capture, contract: contract, reader: reader).ahead
        else { return nil }
        var doubt = CleaningError(
            code: "days_to_come", message: "\(capture.name) has figures of days that are still to come",
            remedy:
                """
                if they are right: \(again(capture)); if not: correct the file and feed it \
                again\(capture.landing.isEmpty ? "" : "; take this one back: bedrot retract \(capture.seq) --reason …")
                """)
        (doubt.line, doubt.column, doubt.value) = (ahead.line, contract.period, CalendarDay.text(day: ahead.day))
        return doubt
    }

    /// Figures that would silently replace those of another file, as neither name says what tells them apart.
    private func nameless(_ capture: Capture, _ contract: Contract, _ hash: Hash256, _ reader: CaptureReader) throws -> CleaningError? {
        guard contract.isSnapshot, case .upsert(let key) = contract.merge else { return nil }
        let holes = contract.rowFields(of: Set(key)).filter { capture.fields[$0] == nil }.sorted()
        guard !holes.isEmpty else { return nil }
        let rivals = state.ranked(capture.account).filter { entry in
            entry.capture.object != capture.object && entry.capture.facts.observedDay == capture.facts.observedDay
                && entry.promotion?.contract == hash && holes.allSatisfy { entry.capture.fields[$0] == nil }
                && (entry.expired == nil || lake.objects.contains(entry.capture.object))
        }
        guard !rivals.isEmpty else { return nil }
        let columns = key.compactMap { contract.index(of: $0) }
        func rows(_ capture: Capture) throws -> [[ArraySlice<UInt8>]: UInt64] {
            var rows: [[ArraySlice<UInt8>]: UInt64] = [:]
            _ = try reader.stage(object: capture.object, contract: contract, facts: capture.facts, digests: false) { batch in
                for row in 0..<batch.count {
                    let cells = columns.map { column -> ArraySlice<UInt8> in
                        contract.columns[column].type == .text ? batch.text(row, column) : Array("\(batch.cell(row, column))".utf8)[...]
                    }
                    rows[cells] = batch.hashes[row]
                }
            }
            return rows
        }
        let mine = try rows(capture)
        for rival in rivals {
            let differing = try rows(rival.capture).filter { mine[$0.key].map { [other = $0.value] in $0 != other } ?? false }.count
            guard differing > 0 else { continue }
            let what = holes.map { $0.replacing("_", with: " ") }.joined(separator: ", ")
            let pattern = contract.names.first { pattern in holes.allSatisfy(pattern.fields.contains) }?.text ?? ""
            return CleaningError(
                code: "name_says_too_little",
                message:
                    """
                    \(capture.name) has other figures than \(rival.capture.name) (capture \(rival.capture.seq)) of the same day in \
                    \(differing) lines, and neither name says its \(what)
                    """,
                remedy:
                    """
                    give the file a name that does, like \(pattern), and feed it again; if it is the newer one of the same: \
                    \(again(capture))
                    """)
        }
        return nil
    }
}
