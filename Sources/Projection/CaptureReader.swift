package import Cleaning
package import EventLog
import Glibc

/// What cleaning one capture came to: the digests of its outputs and the report.
package struct StagingResult: Sendable {
    package var raw: Hash256
    /// The raw bytes are the object's own.
    package var rawIsObject: Bool
    package var staged: Hash256
    /// nil when no line was rejected.
    package var rejects: Hash256?
    package var unpacking: UnpackReport
    package var report: CleaningReport
}

/// Cleans captures from the object store: the one way from an object to raw bytes, staging bytes and typed rows.
package final class CaptureReader: RowSource {
    /// Files being written while a capture is cleaned.
    package struct Outputs {
        package var raw: DraftFile?
        package var staged: DraftFile?
        package var rejects: DraftFile?

        package init(raw: DraftFile? = nil, staged: DraftFile? = nil, rejects: DraftFile? = nil) {
            self.raw = raw
            self.staged = staged
            self.rejects = rejects
        }
    }

    private let objects: ObjectStore
    private let layout: Layout?
    private var contracts: [Hash256: Contract] = [:]
    /// Promotions whose outputs this process has just made: their digests are known to be right.
    package var trusted: Set<Int64> = []
    /// Where bytes lie that are not in the store: files that are only looked at.
    package var places: [Hash256: String] = [:]

    /// Objects that were given up, by the event that did so.
    package var expired: [Hash256: Int64] = [:]

    /// With `zones`, verified reads also bring raw and staging files to what the log says.
    package init(objects: ObjectStore, zones layout: Layout?) {
        self.objects = objects
        self.layout = layout
    }

    /// The bytes of any file, readable at any place.
    package static func source(of path: String) throws -> ByteSource {
        let source = try ObjectFile(path).source
        // A file that says it is empty may be one that cannot be read.
        if source.count == 0 { try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { _ = try source.read(0, $0) } }
        return source
    }

    /// The contract behind a hash, parsed once. Its name is made of the hash: whose it is, the promotion's stream says.
    package func contract(_ hash: Hash256) throws -> Contract {
        if let known = contracts[hash] { return known }
        let contract = try Contract.parse(try objects.read(hash), path: "objects/\(hash.hex.prefix(12)).yml")
        contracts[hash] = contract
        return contract
    }

    /// Cleans an object; pure in its bytes, the contract and the facts.
    ///
    /// `path` reads the same bytes from another place than the store (a file that is only looked at).
    /// Without `digests` the staging bytes are not made, and `staged` and `rejects` in the result are meaningless.
    package func stage(
        object: Hash256, at path: String? = nil, contract: Contract, facts: CaptureFacts, digests: Bool = true,
        outputs: Outputs = Outputs(),
        _ body: (StagedBatch) throws -> Void
    ) throws -> StagingResult {
        let file = try ObjectFile(path ?? places[object] ?? objects.path(of: object))
        var rawHasher = Hasher256()
        return try withoutActuallyEscaping(body) { body in
            var sink = StagingSink(body: body, digests: digests, outputs: outputs)
            if digests { sink.begin(contract) }
            var cleaner = Cleaner(contract: contract, facts: facts)
            let unpacking = try Cleaner.unpack(file.source, under: contract) { chunk in
                rawHasher.update(chunk)
                try outputs.raw?.write(chunk)
                try cleaner.push(chunk, to: &sink)
            }
            if unpacking.isIdentity {
                try file.chunks { chunk in try cleaner.push(chunk, to: &sink) }
            }
            let report = try cleaner.finish(to: &sink)
            try sink.flush()
            return StagingResult(
                raw: unpacking.isIdentity ? object : rawHasher.finalize(), rawIsObject: unpacking.isIdentity,
                staged: sink.stagedHasher.finalize(),
                rejects: sink.rejectCount > 0 ? sink.rejectHasher.finalize() : nil, unpacking: unpacking, report: report)
        }
    }

    func rows(
        of capture: Capture, contract hash: Hash256, revision: Int64, expecting item: StagedPromotion, verify: Bool,
        _ body: (StagedBatch) throws -> Void
    ) throws {
        if let event = expired[capture.object], !objects.contains(capture.object) {
            // Bytes that gave no row have nothing to add to any state.
            guard item.rowsOut > 0 else { return }
            throw ExpiredObject(capture: capture, event: event)
        }
        guard revision == Int64(Cleaner.revision) else {
            throw SQLiteFailure(
                message:
                    """
                    capture \(capture.seq) was promoted by reader revision \(revision); this program has revision \
                    \(Cleaner.revision). Install the bedrot that wrote it, or re-promote with `bedrot ingest --repromote`.
                    """
            )
        }
        let contract = try contract(hash)
        guard verify, !trusted.contains(capture.seq) else {
            _ = try stage(object: capture.object, contract: contract, facts: capture.facts, digests: false, body)
            return
        }
        let outputs = try layout.map { try missing(item, below: $0) } ?? Outputs()
        let result = try stage(object: capture.object, contract: contract, facts: capture.facts, outputs: outputs, body)
        guard result.staged == item.output, result.raw == item.rawOutput, result.rejects == item.rejects?.hash else {
            throw SQLiteFailure(
                message:
                    """
                    capture \(capture.seq) (\(capture.name)) now cleans to other bytes than its promotion says, with reader \
                    revision \(revision): the program changed its output without changing its revision, or the log is damaged; \
                    run `bedrot verify`
                    """
            )
        }
        guard let layout else { return }
        if outputs.raw != nil, result.rawIsObject {
            try objects.place(capture.object, at: layout.path(item.rawPath))
        } else {
            try outputs.raw?.keep(as: layout.path(item.rawPath))
        }
        try outputs.staged?.keep(as: layout.path(item.path))
        if let rejects = item.rejects { try outputs.rejects?.keep(as: layout.path(rejects.path)) }
    }

    /// Drafts for those zone files of a promotion that are not what the log says.
    private func missing(_ item: StagedPromotion, below layout: Layout) throws -> Outputs {
        func draft(_ path: String, _ digest: Hash256) throws -> DraftFile? {
            let full = layout.path(path)
            if Files.exists(full), try DraftFile.digest(of: full) == digest { return nil }
            return try DraftFile(beside: full)
        }
        return Outputs(
            raw: try draft(item.rawPath, item.rawOutput), staged: try draft(item.path, item.output),
            rejects: try item.rejects.flatMap { try draft($0.path, $0.hash) })
    }

    /// Checks a promotion and brings its zone files to what the log says, unless this process has just made them.
    func settle(_ item: StagedPromotion, of capture: Capture, contract: Hash256, revision: Int64) throws {
        if trusted.contains(capture.seq) { return }
        try rows(of: capture, contract: contract, revision: revision, expecting: item, verify: true) { _ in }
    }

    /// Brings the zone files of a promotion to what the log says, if they are missing.
    func restore(_ item: StagedPromotion, of capture: Capture, contract: Hash256, revision: Int64) throws {
        trusted.remove(capture.seq)
        try rows(of: capture, contract: contract, revision: revision, expecting: item, verify: true) { _ in }
    }
}

/// Collects staging and reject bytes, hashes them, and hands batches on.
private struct StagingSink: RowSink {
    let body: (StagedBatch) throws -> Void
    let digests: Bool
    let outputs: CaptureReader.Outputs
    var staged: [UInt8] = []
    var rejected: [UInt8] = []
    var stagedHasher = Hasher256()
    var rejectHasher = Hasher256()
    var rejectCount = 0

    init(body: @escaping (StagedBatch) throws -> Void, digests: Bool, outputs: CaptureReader.Outputs) {
        self.body = body
        self.digests = digests
        self.outputs = outputs
    }

    mutating func begin(_ contract: Contract) { staged = StagingCSV.header(contract) }

    mutating func take(_ batch: StagedBatch) throws {
        try body(batch)
        guard digests else { return }
        StagingCSV.append(batch, to: &staged)
        if staged.count > 1 << 18 { try flush() }
    }

    mutating func take(_ rejects: [Reject]) throws {
        rejectCount += rejects.count
        guard digests else { return }
        for reject in rejects { RejectNDJSON.append(reject, to: &rejected) }
        if rejected.count > 1 << 18 { try flush() }
    }

    mutating func flush() throws {
        stagedHasher.update(staged)
        rejectHasher.update(rejected)
        try staged.withUnsafeBytes { try outputs.staged?.write($0) }
        try rejected.withUnsafeBytes { try outputs.rejects?.write($0) }
        staged.removeAll(keepingCapacity: true)
        rejected.removeAll(keepingCapacity: true)
    }
}

/// A file of an object, read at any place.
private final class ObjectFile {
    private let descriptor: Int32
    private let path: String
    private let size: Int

    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure("open the object", path, errno) }
        size = Int(Files.size(path) ?? 0)
    }

    deinit { close(descriptor) }

    var source: ByteSource {
        ByteSource(count: size) { [self] offset, target in
            var done = 0
            while done < target.count {
                let count = pread(descriptor, target.baseAddress.map { $0 + done }, target.count - done, off_t(offset + done))
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw FileFailure("read", path, errno) }
                if count == 0 { break }
                done += count
            }
            return done
        }
    }

    func chunks(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
        defer { buffer.deallocate() }
        let source = source
        var offset = 0
        while offset < size {
            let count = try source.read(offset, buffer)
            guard count > 0 else { break }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += count
        }
    }
}

/// A zone file being written beside its place; gone unless it is kept.
package final class DraftFile {
    private let descriptor: Int32
    private let path: String
    private var isKept = false

    package init(beside target: String) throws {
        try Files.makeFolder(Files.parent(target))
        path = "\(Files.parent(target))/.draft-\(getpid())-\(Files.name(target))"
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileFailure("write", path, errno) }
    }

    deinit {
        close(descriptor)
        if !isKept { unlink(path) }
    }

    /// Writes all bytes, however often the system takes only a part of them.
    package func write(_ bytes: UnsafeRawBufferPointer) throws {
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileFailure("write", path, errno) }
            done += count
        }
    }

    /// Flushes the bytes and gives the file its name, read-only.
    package func keep(as target: String) throws {
        guard fchmod(descriptor, 0o444) == 0, fsync(descriptor) == 0 else { throw FileFailure("flush", path, errno) }
        try Files.move(path, to: target)
        isKept = true
    }

    /// SHA-256 of a file's bytes.
    package static func digest(of path: String) throws -> Hash256 {
        let file = try ObjectFile(path)
        var hasher = Hasher256()
        try file.chunks { hasher.update($0) }
        return hasher.finalize()
    }
}
