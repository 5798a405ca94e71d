import CZlib
import Glibc

/// The bytes of a landing file, readable at any place and more than once.
@safe package struct ByteSource {
    /// Size in bytes.
    package let count: Int
    /// Copies bytes from an offset on and returns how many; fewer than asked for only at the end.
    package let read: (_ offset: Int, _ into: UnsafeMutableRawBufferPointer) throws -> Int

    /// A source over a file or anything else of a fixed size.
    package init(count: Int, read: @escaping (_ offset: Int, _ into: UnsafeMutableRawBufferPointer) throws -> Int) {
        self.count = count
        unsafe self.read = read
    }

    /// A source over bytes in memory.
    package init(_ bytes: [UInt8]) {
        unsafe self.init(count: bytes.count) { offset, target in
            let taken = min(target.count, max(0, bytes.count - offset))
            unsafe target.copyBytes(from: bytes[offset..<(offset + taken)])
            return taken
        }
    }

    /// The bytes of a range; an error if the source ends before.
    func bytes(_ offset: Int, _ length: Int) throws -> [UInt8] {
        var copy = [UInt8](repeating: 0, count: length)
        let taken = try unsafe copy.withUnsafeMutableBytes { try unsafe read(offset, $0) }
        guard taken == length else {
            throw CleaningError(
                "source_changed", "the file became shorter while it was read", byte: Int64(offset + taken), remedy: "try again")
        }
        return copy
    }
}

/// How a landing file became its raw file.
package struct UnpackReport: Hashable, Sendable {
    /// `utf-8`, `utf-8-bom`, `utf-16le`, `utf-16be` or `windows-1252`.
    package internal(set) var encoding = "utf-8"
    /// Name of the ZIP member, if the file was a ZIP.
    package internal(set) var member: String?
    /// Size of the landing file.
    package internal(set) var bytesIn = 0
    /// Size of the raw file.
    package internal(set) var bytesOut = 0
    /// Whether the raw bytes are the landing bytes. Nothing was written to the output then: clone or copy the landing file.
    package internal(set) var isIdentity = false
}

extension Cleaner {
    /// Turns a landing file into the raw file: takes the wanted member out of a ZIP, decodes to UTF-8, drops the byte order mark, and
    /// splits a document into records, one JSON object a line.
    ///
    /// Line ends and all else of a table stay; a document is held in memory, up to the contract's `max_mebibytes`. A first pass
    /// decides about the encoding, a second one writes; for a table memory does not grow with the file.
    /// When ``UnpackReport/isIdentity`` is true the output got no bytes. Throws ``CleaningError`` for a file that must be held back,
    /// and what `read` and `output` throw.
    package static func unpack(
        _ source: ByteSource, under contract: Contract, to output: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> UnpackReport {
        var report = UnpackReport()
        report.bytesIn = source.count
        // Kept for what it is; no row is read from it.
        if contract.setAside { return report }
        var text = try LandingText(source, contract)
        report.member = text.member
        report.encoding = text.encoding
        if text.member == nil, text.encoding == "utf-8", !contract.shape.isDocument {
            report.isIdentity = true
            report.bytesOut = source.count
            return report
        }
        guard contract.shape.isDocument else {
            while let piece = try text.next() {
                report.bytesOut += piece.count
                try unsafe piece.withUnsafeBytes { try unsafe output($0) }
            }
            return report
        }
        var records = try records(of: text.rest(), contract)
        var lines: [UInt8] = []
        while try records.next(into: &lines) {
            report.bytesOut += lines.count
            // Each record repeats what stands around it, so a small document can come to very many bytes.
            guard report.bytesOut <= 4 * contract.maxBytes else {
                throw CleaningError(
                    "too_large", "the records come to more than four times the contract's \(contract.maxBytes >> 20) MiB",
                    remedy: "check what was saved; if it is right, raise max_mebibytes in \(contract.stream).yml")
            }
            try unsafe lines.withUnsafeBytes { try unsafe output($0) }
            lines.removeAll(keepingCapacity: true)
        }
        return report
    }

    /// The text of a landing file in UTF-8: out of its ZIP, without byte order mark, whole.
    static func decoded(_ source: ByteSource, under contract: Contract) throws -> [UInt8] {
        var text = try LandingText(source, contract)
        return try text.rest()
    }

    private static func records(of bytes: [UInt8], _ contract: Contract) throws(CleaningError) -> RawRecords {
        switch contract.shape {
        case .table: preconditionFailure("a table has no records to split")
        case .json(let records, _, let header):
            let documents = try Document.all(bytes)
            // An error answer between good pages would else read as an empty one.
            if let odd = documents.firstIndex(where: { !contract.shape.fits($0) }) {
                let document = documents[odd]
                throw CleaningError(
                    "no_records",
                    "document \(odd + 1) of \(documents.count) does not hold \(contract.shape.wanted)"
                        + (document.complaint.map { "; it says: \($0)" } ?? ""),
                    line: Int64(odd + 1), byte: Int64(document.range(document.root).lowerBound),
                    remedy: "check that this is an answer of \(contract.title)")
            }
            return RawRecords(documents, records: records, header: header)
        case .script(let after, let longest, let requires):
            let series = try PageScript.series(
                bytes, after: after.map { Array($0.utf8) }, longest: longest, requires: requires.map { Array($0.utf8) })
            return RawRecords([series], records: RecordPath.elements)
        }
    }
}

/// The text of a landing file, piece by piece: out of its ZIP and decoded.
private struct LandingText {
    /// Name of the ZIP member, if the file is a ZIP.
    let member: String?
    let encoding: String
    private var reader: any PieceReader
    private var skip: Int
    private var wide: UTF16Decoder

    /// Reads the whole file once, to decide about the encoding.
    init(_ source: ByteSource, _ contract: Contract) throws {
        let magic = try source.bytes(0, min(4, source.count))
        if magic == [0x50, 0x4B, 3, 4] || magic == [0x50, 0x4B, 5, 6] {
            guard !contract.members.isEmpty else {
                throw CleaningError("zip_unexpected", "\(contract.stream) does not come as ZIP", byte: 0, remedy: "unpack the file first")
            }
            let wanted = try ZIPArchive(source).wanted(contract.members, limit: contract.maxBytes)
            member = wanted.name
            reader = MemberReader(source, wanted, limit: contract.maxBytes)
        } else {
            guard source.count <= contract.maxBytes else {
                throw CleaningError(
                    "too_large", "\(source.count) bytes, more than the contract's \(contract.maxBytes >> 20) MiB",
                    remedy: "split the export")
            }
            member = nil
            reader = PlainReader(source)
        }
        var judge = EncodingJudge(allowsUTF16: contract.encodings.contains(.utf16))
        while let piece = try reader.next() { try judge.look(piece) }
        (encoding, skip) = try judge.decide(contract)
        wide = UTF16Decoder(bigEndian: encoding == "utf-16be")
        try reader.rewind()
    }

    mutating func next() throws -> [UInt8]? {
        guard let piece = try reader.next() else {
            try wide.end()
            return nil
        }
        let rest = piece.dropFirst(skip)
        skip -= piece.count - rest.count
        var decoded: [UInt8] = []
        switch encoding {
        case "windows-1252": Windows1252.decode(rest, to: &decoded)
        case "utf-16le", "utf-16be": try wide.decode(rest, to: &decoded)
        default: decoded = Array(rest)
        }
        return decoded
    }

    mutating func rest() throws -> [UInt8] {
        var all: [UInt8] = []
        while let piece = try next() { all += piece }
        return all
    }
}

/// Pieces of the unpacked bytes, from the start as often as wanted.
private protocol PieceReader {
    mutating func next() throws -> [UInt8]?
    mutating func rewind() throws
}

private struct PlainReader: PieceReader {
    let source: ByteSource
    var offset = 0

    init(_ source: ByteSource) { self.source = source }

    mutating func next() throws -> [UInt8]? {
        guard offset < source.count else { return nil }
        let piece = try source.bytes(offset, min(1 << 18, source.count - offset))
        offset += piece.count
        return piece
    }

    mutating func rewind() { offset = 0 }
}

// MARK: ZIP

/// A ZIP as its central directory tells it. Nothing is ever written under a member's name.
struct ZIPArchive {
    struct Member: Hashable {
        var name: String
        var method: Int
        var encrypted: Bool
        var crc: UInt32
        var packed: Int
        var unpacked: Int
        var header: Int
    }

    static let maxMembers = 1_000
    /// Deflate reaches 1,032:1 on nothing but zeros; tables stay below 100.
    static let maxRatio = 300
    /// Below this size the ratio says nothing.
    static let freeBytes = 1 << 20

    let source: ByteSource

    init(_ source: ByteSource) { self.source = source }

    /// The one member that fits the globs, after its name, size, method and encryption have been found harmless.
    func wanted(_ globs: [String], limit: Int) throws -> Member {
        let members = try self.members()
        for member in members {
            let parts = member.name.split(separator: "/", omittingEmptySubsequences: false)
            let odd =
                member.name.hasPrefix("/") || member.name.contains("\\") || member.name.utf8.contains(0) || parts.contains("..")
                || parts.first.map { $0.utf8.count == 2 && $0.hasSuffix(":") } ?? false
            guard !odd else {
                throw CleaningError(
                    "zip_path", "the ZIP holds a member with a path that leaves its folder", byte: Int64(member.header),
                    value: clipped(member.name.utf8), remedy: "do not trust this file; export it again")
            }
        }
        let found = members.filter { member in
            guard !member.name.hasSuffix("/"), !member.name.hasPrefix("__MACOSX/") else { return false }
            let own = Array(member.name.utf8.split(separator: UInt8(ascii: "/")).last ?? [])
            return globs.contains { Self.fits(own[...], Array($0.utf8)[...]) }
        }
        let names = found.map(\.name).joined(separator: ", ")
        guard let member = found.first, found.count == 1 else {
            throw CleaningError(
                found.isEmpty ? "zip_no_member" : "zip_two_members",
                found.isEmpty
                    ? "the ZIP holds no member like \(globs.joined(separator: " or "))"
                    : "the ZIP holds \(found.count) members that could be meant",
                value: clipped((found.isEmpty ? members.map(\.name).joined(separator: ", ") : names).utf8),
                remedy: "unpack it and feed the right file")
        }
        guard !member.encrypted else {
            throw CleaningError(
                "zip_encrypted", "the ZIP asks for a password", byte: Int64(member.header), value: clipped(member.name.utf8),
                remedy: "unpack it and feed the file in it")
        }
        guard member.method == 0 || member.method == 8 else {
            throw CleaningError(
                "zip_method", "compression method \(member.method) is not supported", byte: Int64(member.header),
                value: clipped(member.name.utf8), remedy: "unpack it and feed the file in it")
        }
        guard member.unpacked <= limit, member.unpacked <= Self.freeBytes + Self.maxRatio * member.packed else {
            throw Self.bomb(member)
        }
        return member
    }

    /// Name and first bytes of each member that is a file of its own; those that cannot be unpacked are empty.
    func heads(_ limit: Int) throws -> [(name: String, bytes: [UInt8])] {
        try members().filter { !$0.name.hasSuffix("/") && !$0.name.hasPrefix("__MACOSX/") }.prefix(100).map { member in
            var bytes: [UInt8] = []
            guard !member.encrypted, member.method == 0 || member.method == 8 else { return (member.name, bytes) }
            var reader = MemberReader(source, member, limit: .max)
            while bytes.count < limit, let piece = try? reader.next() { bytes += piece }
            return (member.name, Array(bytes.prefix(limit)))
        }
    }

    static func bomb(_ member: Member) -> CleaningError {
        CleaningError(
            "zip_bomb", "unpacked, the member would be absurdly large", byte: Int64(member.header), value: clipped(member.name.utf8),
            remedy: "do not trust this file; export it again")
    }

    private static func damaged(_ what: String, _ at: Int) -> CleaningError {
        CleaningError("zip_damaged", "the ZIP is damaged: \(what)", byte: Int64(at), remedy: "download the file again")
    }

    /// Where the packed bytes of a member begin.
    func dataStart(_ member: Member) throws -> Int {
        guard member.header + 30 <= source.count else { throw Self.damaged("a member begins behind its end", member.header) }
        let local = try source.bytes(member.header, 30)
        guard Self.word32(local, 0) == 0x0403_4B50 else { throw Self.damaged("a member has no header", member.header) }
        let nameLength = Self.word16(local, 26)
        let start = member.header + 30 + nameLength + Self.word16(local, 28)
        guard start + member.packed <= source.count else { throw Self.damaged("a member is cut off", member.header) }
        guard try source.bytes(member.header + 30, nameLength) == Array(member.name.utf8) else {
            throw Self.damaged("a member has two names", member.header)
        }
        return start
    }

    private func members() throws -> [Member] {
        let tailLength = min(source.count, 22 + 65_535)
        let tailStart = source.count - tailLength
        let tail = try source.bytes(tailStart, tailLength)
        var end: Int?
        var at = tailLength - 22
        while at >= 0 {
            if Self.word32(tail, at) == 0x0605_4B50, at + 22 + Self.word16(tail, at + 20) == tailLength {
                end = at
                break
            }
            at -= 1
        }
        guard let end else { throw Self.damaged("its directory is missing, so it was cut off", source.count) }
        let count = Self.word16(tail, end + 10)
        let size = Self.word32(tail, end + 12)
        let start = Self.word32(tail, end + 16)
        guard count <= Self.maxMembers, size <= 1 << 20 else {
            throw CleaningError(
                "zip_bomb", "the ZIP holds \(count) members", byte: Int64(tailStart + end), remedy: "unpack it and feed the right file")
        }
        guard start + size <= tailStart + end else { throw Self.damaged("its directory lies outside", tailStart + end) }
        let directory = try source.bytes(start, size)
        var members: [Member] = []
        var entry = 0
        for _ in 0..<count {
            guard entry + 46 <= directory.count, Self.word32(directory, entry) == 0x0201_4B50 else {
                throw Self.damaged("its directory is garbled", start + entry)
            }
            let nameLength = Self.word16(directory, entry + 28)
            let next = entry + 46 + nameLength + Self.word16(directory, entry + 30) + Self.word16(directory, entry + 32)
            guard next <= directory.count else { throw Self.damaged("its directory is garbled", start + entry) }
            let member = Member(
                name: String(decoding: directory[(entry + 46)..<(entry + 46 + nameLength)], as: UTF8.self),
                method: Self.word16(directory, entry + 10), encrypted: Self.word16(directory, entry + 8) & 1 == 1,
                crc: UInt32(Self.word32(directory, entry + 16)), packed: Self.word32(directory, entry + 20),
                unpacked: Self.word32(directory, entry + 24), header: Self.word32(directory, entry + 42))
            if member.unpacked == 0xFFFF_FFFF || member.packed == 0xFFFF_FFFF { throw Self.bomb(member) }
            members.append(member)
            entry = next
        }
        return members
    }

    /// `*` stands for any bytes; letters match in any case.
    static func fits(_ name: ArraySlice<UInt8>, _ glob: ArraySlice<UInt8>) -> Bool {
        guard let first = glob.first else { return name.isEmpty }
        if first == UInt8(ascii: "*") {
            return (0...name.count).contains { fits(name.dropFirst($0), glob.dropFirst()) }
        }
        guard let byte = name.first, lower(byte) == lower(first) else { return false }
        return fits(name.dropFirst(), glob.dropFirst())
    }

    static func word16(_ bytes: [UInt8], _ at: Int) -> Int { Int(bytes[at]) | Int(bytes[at + 1]) << 8 }
    static func word32(_ bytes: [UInt8], _ at: Int) -> Int { word16(bytes, at) | word16(bytes, at + 2) << 16 }
}

/// Unpacks one member, never further than its declared size, and checks its CRC at the end.
private struct MemberReader: PieceReader {
    private let source: ByteSource
    private let member: ZIPArchive.Member
    private let limit: Int
    private var inflater: Inflater?
    private var position = 0
    private var left = 0
    private var made = 0
    private var crc: UInt = 0
    private var begun = false
    private var ended = false

    init(_ source: ByteSource, _ member: ZIPArchive.Member, limit: Int) {
        self.source = source
        self.member = member
        self.limit = limit
    }

    mutating func rewind() {
        begun = false
        ended = false
    }

    mutating func next() throws -> [UInt8]? {
        if !begun {
            position = try ZIPArchive(source).dataStart(member)
            left = member.packed
            made = 0
            crc = crc32(0, nil, 0)
            inflater = member.method == 8 ? try Inflater() : nil
            begun = true
        }
        guard !ended else { return nil }
        while true {
            let piece: [UInt8]
            var finished = false
            if let inflater {
                if inflater.wantsInput, left > 0 {
                    let packed = try source.bytes(position, min(1 << 16, left))
                    position += packed.count
                    left -= packed.count
                    inflater.feed(packed)
                }
                switch inflater.produce() {
                case .bytes(let bytes): piece = bytes
                case .end(let bytes):
                    piece = bytes
                    finished = true
                case .starved:
                    guard left > 0 else { throw damaged("its data ends early") }
                    continue
                case .broken: throw damaged("its data cannot be unpacked")
                }
            } else {
                piece = try source.bytes(position, min(1 << 16, left))
                position += piece.count
                left -= piece.count
                finished = left == 0
            }
            made += piece.count
            guard made <= member.unpacked, made <= limit else {
                throw CleaningError(
                    "zip_bomb", "the member unpacks to more than it declares", byte: Int64(member.header), value: clipped(member.name.utf8),
                    remedy: "do not trust this file; export it again")
            }
            crc = unsafe piece.withUnsafeBufferPointer { unsafe crc32(crc, $0.baseAddress, UInt32($0.count)) }
            if finished {
                guard made == member.unpacked, UInt32(truncatingIfNeeded: crc) == member.crc else {
                    throw damaged("its size or checksum is wrong")
                }
                ended = true
            }
            return piece
        }
    }

    private func damaged(_ what: String) -> CleaningError {
        CleaningError(
            "zip_damaged", "the member is damaged: \(what)", byte: Int64(member.header), value: clipped(member.name.utf8),
            remedy: "download the file again")
    }
}

/// Raw deflate. A class, because zlib keeps the address of its stream.
@safe final class Inflater {
    enum Step {
        case bytes([UInt8]), end([UInt8]), starved, broken
    }

    private let stream: UnsafeMutablePointer<z_stream>
    private let input: UnsafeMutablePointer<UInt8>
    private static let room = 1 << 16

    init() throws(CleaningError) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        unsafe input = .allocate(capacity: Self.room)
        guard unsafe inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw CleaningError("zip_failed", "zlib cannot start", remedy: "free some memory and try again")
        }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
        unsafe input.deallocate()
    }

    var wantsInput: Bool { unsafe stream.pointee.avail_in == 0 }

    /// Gives the next packed bytes, at most 65,536, when ``wantsInput`` says so.
    func feed(_ packed: [UInt8]) {
        precondition(wantsInput && packed.count <= Self.room)
        for (index, byte) in packed.enumerated() { unsafe input[index] = byte }
        unsafe stream.pointee.next_in = input
        unsafe stream.pointee.avail_in = UInt32(packed.count)
    }

    func produce() -> Step {
        var status: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.room) { buffer, count in
            unsafe stream.pointee.next_out = buffer.baseAddress
            unsafe stream.pointee.avail_out = UInt32(buffer.count)
            status = unsafe inflate(stream, Z_NO_FLUSH)
            count = unsafe buffer.count - Int(stream.pointee.avail_out)
        }
        switch status {
        case Z_STREAM_END: return .end(bytes)
        case Z_OK: return bytes.isEmpty ? .starved : .bytes(bytes)
        case Z_BUF_ERROR: return .starved
        default: return .broken
        }
    }
}
