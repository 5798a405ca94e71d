import Cleaning
import EventLog
import Glibc
import Projection

extension Lake {
    /// What an ingest would do; nothing is written, neither to the log nor to the zones or the warehouse.
    package func preview(_ paths: [String], _ options: IngestOptions) throws -> IngestReport {
        try options.check()
        let files = try Files.named(paths)
        let head = try log.read { try $0.head() }
        let definitions = try projector.definitions(until: head.seq)
        let recognizer = Recognizer(contracts: definitions.contracts.values.map(\.contract))
        let reader = CaptureReader(objects: objects, zones: nil)
        var report = IngestReport()
        var keys = KeyRing(layout)
        let shown = ScratchFiles()
        var seq = head.seq
        var events: [Event] = []
        var sources: [Hash256: String] = [:]
        // What the log says of each stream, and then what the files before would have added.
        var states: [String: StreamState] = [:]
        func imagine(_ stream: String, _ type: EventType, _ body: JSON) throws -> Event {
            seq += 1
            let envelope = JSON.object([
                "actor": .string(actor), "body": body, "prev": .string(Hash256.zero.hex), "run": "preview", "seq": .int(seq),
                "stream": .string(stream),
                "time": .string(Timestamp.now().iso), "type": .string(type.rawValue), "v": 1,
            ])
            let event = try Event(canonical: try envelope.canonical())
            events.append(event)
            return event
        }
        _ = try imagine("run", .runStarted, ["command": "preview"])
        var options = options
        options.isAboutOneFile = files.count == 1 && files == paths
        func imagine(_ identified: Identified, _ outcome: inout FileOutcome) throws {
            let path = outcome.path
            guard let (contract, name, account) = identified.dataset, let hash = definitions.contracts[contract.stream]?.hash else {
                return
            }
            var capture: Capture
            (capture, outcome.doubtedTime) = try describe(path, contract: contract, name: name, account: account, options: options)
            let place: String
            do {
                if let safe = try protected(path, contract, definitions.secrets, &keys) {
                    (place, capture.name, capture.size) = (try shown.add(safe.bytes), safe.name, Int64(safe.bytes.count))
                } else {
                    place = path
                }
            } catch let error as CleaningError {
                outcome.kind = .quarantined(capture: nil, reason: "\(error)", remedy: error.remedy)
                return
            }
            capture.object = try DraftFile.digest(of: place)
            sources[capture.object] = place
            try settleObserved(&capture, contract: contract, at: place)
            (outcome.observed, outcome.observedFrom) = (capture.observed, capture.observedFrom)
            reader.places[capture.object] = place
            var state = try states[contract.stream] ?? log.read { try StreamState(contract.stream, $0) }
            defer { states[contract.stream] = state }
            let equal = state.entries.values.filter { $0.live && $0.capture.isEqual(capture, under: contract) }.sorted {
                $0.capture.seq < $1.capture.seq
            }
            let twin = equal.first { entry in
                !capture.saysMore(than: entry.capture, under: contract)
                    && (entry.quarantine == nil || capture.hasSameEvidence(entry.capture))
            }
            if let twin {
                guard options.acceptChanges, twin.isDoubted else {
                    outcome.kind = .duplicate(of: twin.capture.seq)
                    outcome.waits = twin.quarantine != nil
                    return
                }
                capture = twin.capture
            } else {
                let event = try imagine(contract.stream, .captured, capture.body)
                capture.seq = event.seq
                try state.apply(event)
                outcome.replaced = equal.filter { capture.saysMore(than: $0.capture, under: contract) }.map(\.capture.seq)
                for old in outcome.replaced {
                    try state.apply(try imagine(contract.stream, .retracted, ["capture": .int(old), "reason": "preview"]))
                }
            }
            do {
                let result = try reader.stage(object: capture.object, contract: contract, facts: capture.facts) { _ in }
                if let refusal = contract.refusal(of: result.report) { throw refusal }
                if !options.acceptChanges,
                    let doubt = try Doubts(lake: self, state: state)
                        .doubt(capture, contract: contract, hash: hash, report: result.report, reader: reader)
                {
                    throw doubt
                }
                var item = StagedPromotion(
                    capture: capture.seq, input: capture.object, rawOutput: result.raw, rawPath: "preview/raw-\(capture.seq)",
                    output: result.staged, path: "preview/staged-\(capture.seq)",
                    rejects: result.rejects.map { ($0, "preview/rejects-\(capture.seq)") }, report: result.report)
                let held = state.holds(item, rank: capture.rank, account: account, merge: contract.merge)
                for i in item.partitions.indices where held.contains(item.partitions[i].value) { item.partitions[i].held = true }
                let promoted = try imagine(
                    contract.stream, .promoted,
                    [
                        "from": "raw", "to": "staging", "contract": .string(hash.hex), "reader": .int(Int64(Cleaner.revision)),
                        "items": [item.body],
                    ])
                if let drift = Drift(item, result.report, of: capture, contract: hash, state: state),
                    try log.read({ try $0.seq(forKey: drift.key) }) == nil
                {
                    outcome.drift = drift
                }
                try state.apply(promoted)
                outcome.kind = .promoted(capture: capture.seq, event: promoted.seq, item, report: result.report, held: held.count)
            } catch let error as CleaningError {
                let body: JSON = ["capture": .int(capture.seq), "code": .string(error.code), "contract": .string(hash.hex)]
                try state.apply(try imagine(contract.stream, .quarantined, body))
                outcome.kind = .quarantined(capture: nil, reason: "\(error)", remedy: error.remedy)
            }
        }
        for path in files {
            var outcome = FileOutcome(path: path, kind: .unknown([]))
            do {
                for identified in try identify(path, recognizer, options) {
                    outcome = identified.outcome
                    try imagine(identified, &outcome)
                    report.files.append(outcome)
                }
            } catch  where concernsOneFile(error) {
                outcome.kind = .failed("\(error)")
                report.files.append(outcome)
            }
        }
        _ = try imagine("run", .runCompleted, ["outcome": "preview"])
        // Without new rows there is nothing to project and no figure moves.
        let isNew = report.files.contains { if case .promoted = $0.kind { true } else { false } }
        guard options.project, isNew else { return report }
        projector.sources = sources
        defer { projector.sources = [:] }
        let before = try? latestKPIs().values
        try projector.preview(events) { database, outcome in
            report.projection = outcome
            report.moves = kpiMoves(before ?? [], try KPIValue.all(database, at: seq), definitions.kpis)
        }
        return report
    }
}

/// Protected forms of files that are only looked at: without a name, and gone with this object.
private final class ScratchFiles {
    private var files: [UnsafeMutablePointer<FILE>] = []

    deinit { for file in files { fclose(file) } }

    /// A path that reads as these bytes.
    func add(_ bytes: [UInt8]) throws -> String {
        guard let file = tmpfile() else { throw FileFailure("write", "a temporary file", errno) }
        files.append(file)
        guard fwrite(bytes, 1, bytes.count, file) == bytes.count, fflush(file) == 0 else {
            throw FileFailure("write", "a temporary file", errno)
        }
        return "/proc/self/fd/\(fileno(file))"
    }
}
