import Cleaning
import EventLog
import Projection

extension Lake {
    /// What an ingest would do; nothing is written, neither to the log nor to the zones or the warehouse.
    package func preview(_ paths: [String], _ options: IngestOptions) throws -> IngestReport {
        let files = try Files.named(paths)
        let head = try log.read { try $0.head() }
        let definitions = try projector.definitions(until: head.seq)
        let recognizer = Recognizer(contracts: definitions.contracts.values.map(\.contract))
        let reader = CaptureReader(objects: objects, zones: nil)
        var report = IngestReport()
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
        func imagine(file path: String, _ outcome: inout FileOutcome) throws {
            guard let (contract, name, account) = try identify(path, recognizer, options, &outcome),
                let hash = definitions.contracts[contract.stream]?.hash
            else { return }
            var capture = try describe(path, contract: contract, name: name, account: account, options: options)
            capture.object = try DraftFile.digest(of: path)
            sources[capture.object] = path
            if capture.observedFrom == "file_time" { try settleObserved(&capture, contract: contract, at: path) }
            (outcome.observed, outcome.observedFrom) = (capture.observed, capture.observedFrom)
            reader.places[capture.object] = path
            var state = try states[contract.stream] ?? log.read { try StreamState(contract.stream, $0) }
            defer { states[contract.stream] = state }
            let twin = state.entries.values.filter { entry in
                entry.live && entry.capture.isEqual(capture, merge: contract.merge)
                    && (entry.quarantine == nil || capture.hasSameEvidence(entry.capture))
            }.min { $0.capture.seq < $1.capture.seq }
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
            }
            do {
                let result = try reader.stage(object: capture.object, contract: contract, facts: capture.facts) { _ in }
                if !options.acceptChanges,
                    let doubt = try ChangeCheck(lake: self, state: state).doubt(capture, contract: contract, hash: hash, reader: reader)
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
                try imagine(file: path, &outcome)
            } catch  where concernsOneFile(error) {
                outcome.kind = .failed("\(error)")
            }
            report.files.append(outcome)
        }
        _ = try imagine("run", .runCompleted, ["outcome": "preview"])
        guard options.project else { return report }
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
