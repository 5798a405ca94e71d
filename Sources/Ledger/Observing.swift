import Cleaning
import EventLog
import Glibc
import Projection

/// What lies so far ahead of the clock is still to come: a day covers time zones east of UTC and clocks that are a little fast.
struct Ahead {
    let now = Timestamp.now()

    /// Whether a moment is still to come.
    func isToCome(_ time: Timestamp) -> Bool { time.milliseconds > now.milliseconds + 86_400_000 }

    /// The last day that is not still to come, in UTC.
    var lastDay: Int64 { now.milliseconds.flooredDay + 1 }
}

extension IngestOptions {
    /// - Throws: ``LedgerError`` for a declared moment that is still to come.
    func check() throws {
        let ahead = Ahead()
        if let observed, ahead.isToCome(observed) {
            throw LedgerError("--observed \(observed.iso) is still to come; say when the source showed the figures")
        }
        if let downloadedOn, downloadedOn > ahead.lastDay {
            throw LedgerError("--downloaded-on \(CalendarDay.text(day: downloadedOn)) is still to come; say when the file was downloaded")
        }
    }
}

extension Lake {
    /// What can be said of a file before its bytes are read, and a time in its name that is not believed.
    ///
    /// Nothing was observed after it was fed: a time in the name or of the file that is still to come is no evidence and is left out.
    func describe(
        _ path: String, contract: Contract, name: NameMatch, account: String, options: IngestOptions
    ) throws -> (Capture, doubtedTime: Timestamp?) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw FileFailure("look at", path, errno) }
        let ahead = Ahead()
        var fileTime: Timestamp? = Timestamp(
            milliseconds: Int64(status.st_mtim.tv_sec) * 1000 + Int64(status.st_mtim.tv_nsec) / 1_000_000)
        if let time = fileTime, ahead.isToCome(time) { fileTime = nil }
        var named = name.capturedAt.map { Timestamp(milliseconds: $0) }
        var fields = name.fields
        var doubted: Timestamp?
        if let time = named, ahead.isToCome(time) {
            // A monthly report can come before its month is over.
            if name.fields["captured_month"] == nil { doubted = time }
            named = nil
            for hole in NameMatch.timeFields { fields[hole] = nil }
        }
        let observed =
            options.observed.map { ($0, "declared") } ?? named.map { ($0, "name") }
            ?? options.downloadedOn.map { (Timestamp(milliseconds: $0 * 86_400_000), "declared") }
            ?? fileTime.map { ($0, "file_time") } ?? (ahead.now, "now")
        if let first = options.firstDay { fields["first_day"] = CalendarDay.text(day: first) }
        let capture = Capture(
            seq: 0, object: .zero, size: Int64(status.st_size), service: contract.service, dataset: contract.dataset, account: account,
            name: Files.name(path), landing: "", source: "manual", observed: observed.0, observedFrom: observed.1, fields: fields,
            downloadedOn: options.downloadedOn, fileTime: fileTime)
        return (capture, doubted)
    }

    /// Without a better clue a file was observed on the last day it covers that is not still to come; the file's time stays recorded as
    /// evidence.
    func settleObserved(_ capture: inout Capture, contract: Contract, at path: String? = nil) throws {
        guard capture.observedFrom == "now" || capture.observedFrom == "file_time" else { return }
        let reader = CaptureReader(objects: objects, zones: nil)
        guard let days = try? CoveredDays(capture, contract: contract, reader: reader, at: path), let last = days.last else { return }
        capture.observed = Timestamp(milliseconds: last * 86_400_000)
        capture.observedFrom = "last_day"
    }
}

/// The days that the rows of a capture are of, seen from the clock.
struct CoveredDays {
    /// The last one that is not still to come; of a month that is not over, today.
    private(set) var last: Int64?
    /// The first row in the file that is of a day or month still to come.
    private(set) var ahead: (day: Int64, line: Int64)?

    init(_ capture: Capture, contract: Contract, reader: CaptureReader, at path: String? = nil) throws {
        let clock = Ahead()
        let today = clock.now.milliseconds.flooredDay
        func stage(_ body: (StagedBatch) -> Void) throws -> CleaningReport {
            try reader.stage(object: capture.object, at: path, contract: contract, facts: capture.facts, digests: false, body).report
        }
        last = try stage { _ in }.period?.upperBound
        guard let end = last, end > clock.lastDay, let column = contract.period.flatMap({ contract.index(of: $0) }) else { return }
        let isMonth = contract.columns[column].type == .month
        (last, ahead) = (nil, nil)
        _ = try stage { batch in
            for row in 0..<batch.count where batch.cell(row, column) != StagedBatch.null {
                let cell = batch.cell(row, column)
                let days = isMonth ? CalendarDay.span(ofMonth: cell) : (first: cell, last: cell)
                if days.first > clock.lastDay {
                    if ahead == nil { ahead = (days.first, batch.lines[row]) }
                } else {
                    let end = isMonth ? min(days.last, max(days.first, today)) : days.last
                    last = max(last ?? end, end)
                }
            }
        }
    }
}
