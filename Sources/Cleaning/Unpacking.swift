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
    /// `utf-8`, `utf-8-bom` or `windows-1252`.
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
    /// Turns a landing file into the raw file: takes the wanted member out of a ZIP, decodes to UTF-8, drops the byte order mark.
    ///
    /// Line ends and all else stay. A first pass decides about the encoding, a second one writes; memory does not grow with the file.
    /// When ``UnpackReport/isIdentity`` is true the output got no bytes. Throws ``CleaningError`` for a file that must be held back,
    /// and what `read` and `output` throw.
    package static func unpack(
        _ source: ByteSource, under contract: Contract, to output: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> UnpackReport {
        var report = UnpackReport()
        report.bytesIn = source.count
        var reader: any PieceReader
        var isZIP = false
        let magic = try source.bytes(0, min(4, source.count))
        if magic == [0x50, 0x4B, 3, 4] || magic == [0x50, 0x4B, 5, 6] {
            guard !contract.members.isEmpty else {
                throw CleaningError("zip_unexpected", "\(contract.stream) does not come as ZIP", byte: 0, remedy: "unpack the file first")
            }
            let member = try ZIPArchive(source).wanted(contract.members, limit: contract.maxBytes)
            report.member = member.name
            reader = MemberReader(source, member, limit: contract.maxBytes)
            isZIP = true
        } else {
            guard source.count <= contract.maxBytes else {
                throw CleaningError(
                    "too_large", "\(source.count) bytes, more than the contract's \(contract.maxBytes >> 20) MiB",
                    remedy: "split the export")
            }
            reader = PlainReader(source)
        }
        var judge = EncodingJudge()
        while let piece = try reader.next() { try judge.look(piece) }
        let decided = try judge.decide(contract)
        report.encoding = decided.name
        if !isZIP, decided.name == "utf-8" {
            report.isIdentity = true
            report.bytesOut = source.count
            return report
        }
        try reader.rewind()
        var skip = decided.skip
        var decoded: [UInt8] = []
        while let piece = try reader.next() {
            let rest = piece.dropFirst(skip)
            skip -= piece.count - rest.count
            decoded.removeAll(keepingCapacity: true)
            if decided.name == "windows-1252" {
                Windows1252.decode(rest, to: &decoded)
            } else {
                decoded.append(contentsOf: rest)
            }
            report.bytesOut += decoded.count
            try unsafe decoded.withUnsafeBytes { try unsafe output($0) }
        }
        return report
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

// MARK: encodings

/// Decides what the bytes are: strict UTF-8 if all of them are, else CP1252 if the contract allows it. NUL bytes and UTF-16 are refused.
private struct EncodingJudge {
    private var seen = 0
    private var head: [UInt8] = []
    private var validator = UTF8Check()

    mutating func look(_ piece: [UInt8]) throws(CleaningError) {
        if head.count < 3 { head.append(contentsOf: piece.prefix(3 - head.count)) }
        if seen == 0, piece.count >= 2, piece[0] ^ piece[1] == 1, piece[0] >= 0xFE {
            throw CleaningError("utf_16", "the file is UTF-16", byte: 0, remedy: "export it as CSV in UTF-8")
        }
        if let zero = piece.firstIndex(of: 0) {
            throw CleaningError(
                "binary", "the file holds a zero byte, so it is no text", byte: Int64(seen + zero), remedy: "check what was exported")
        }
        validator.look(piece, at: seen)
        seen += piece.count
    }

    mutating func decide(_ contract: Contract) throws(CleaningError) -> (name: String, skip: Int) {
        guard seen > 0 else { throw CleaningError("empty_file", "the file is empty", byte: 0, remedy: "export the file again") }
        validator.end(at: seen)
        if let bad = validator.firstBad {
            guard contract.encodings.contains(.windows1252) else {
                throw CleaningError(
                    "not_utf_8", "the file is not UTF-8", byte: Int64(bad), remedy: "export it again, or save it as UTF-8")
            }
            return ("windows-1252", 0)
        }
        return head == [0xEF, 0xBB, 0xBF] ? ("utf-8-bom", 3) : ("utf-8", 0)
    }
}

/// Checks UTF-8 piece by piece: shortest forms only, no surrogates, nothing above U+10FFFF.
struct UTF8Check {
    /// Offset of the first byte that cannot be.
    private(set) var firstBad: Int?
    private var pending = 0
    private var low: UInt8 = 0x80
    private var high: UInt8 = 0xBF

    mutating func look(_ piece: [UInt8], at offset: Int) {
        guard firstBad == nil else { return }
        unsafe piece.withUnsafeBytes { bytes in
            var at = 0
            while at < bytes.count {
                if pending == 0, at &+ 8 <= bytes.count,
                    unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
                {
                    at &+= 8
                    continue
                }
                let byte = unsafe bytes[at]
                if pending > 0 {
                    guard byte >= low, byte <= high else {
                        firstBad = offset + at
                        return
                    }
                    pending &-= 1
                    low = 0x80
                    high = 0xBF
                } else if byte >= 0x80 {
                    switch byte {
                    case 0xC2...0xDF: pending = 1
                    case 0xE0...0xEF:
                        pending = 2
                        if byte == 0xE0 { low = 0xA0 }
                        if byte == 0xED { high = 0x9F }
                    case 0xF0...0xF4:
                        pending = 3
                        if byte == 0xF0 { low = 0x90 }
                        if byte == 0xF4 { high = 0x8F }
                    default:
                        firstBad = offset + at
                        return
                    }
                }
                at &+= 1
            }
        }
    }

    mutating func end(at offset: Int) {
        if firstBad == nil, pending > 0 { firstBad = offset }
    }
}

/// CP1252 to UTF-8; the five bytes it leaves open are the Latin-1 controls, as browsers read them.
enum Windows1252 {
    private static let specials: [UInt32] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F, 0x90,
        0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
    ]

    static func decode(_ bytes: some Sequence<UInt8>, to out: inout [UInt8]) {
        for byte in bytes {
            guard byte >= 0x80 else {
                out.append(byte)
                continue
            }
            let scalar = byte < 0xA0 ? specials[Int(byte) - 0x80] : UInt32(byte)
            if scalar < 0x800 {
                out.append(0xC0 | UInt8(scalar >> 6))
            } else {
                out.append(0xE0 | UInt8(scalar >> 12))
                out.append(0x80 | UInt8(scalar >> 6 & 0x3F))
            }
            out.append(0x80 | UInt8(scalar & 0x3F))
        }
    }
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
