import GRDB

/// How names are compared: the spelling differences that mean nothing.
package enum SourceNames {
    /// Lower case without spaces, dots, hyphens and underscores, so that `ZONE A0`, `zone.a0` and `zone_a0` are one name, and so are
    /// `BJÖRK` and `Björk`, however the ö is put together. Which letters have a small one says ``NameFolding``.
    package static func normalised(_ name: String) -> String {
        var out: [UInt8] = []
        for byte in NameFolding.folded(name).utf8 {
            switch byte {
            case 65...90: out.append(byte + 32)
            case 32, 45, 46, 95, 9: continue
            default: out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// A member id as names are compared now: events of before may spell letters outside ASCII in capitals.
    package static func member(_ id: String) -> String {
        ["artist:", "track:"].contains(where: id.hasPrefix) ? NameFolding.folded(id) : id
    }

    /// Whether a text without hyphens is an ISRC (ISO 3901): two letters, three letters or digits, seven digits; A to Z in upper case.
    package static func isISRC(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        func isLetter(_ byte: UInt8) -> Bool { byte >= 65 && byte <= 90 }
        func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }
        return bytes.count == 12 && bytes[..<2].allSatisfy(isLetter) && bytes[2..<5].allSatisfy { isLetter($0) || isDigit($0) }
            && bytes[5...].allSatisfy(isDigit)
    }
}

/// The dictionary of source values: every text a fact names, once, as an integer private to one warehouse file.
///
/// Identifiers are handed out in the order of first use and written only when a version refers to them.
final class SourceValues {
    struct Space: Hashable {
        var kind: String
        var service: String
    }

    private var spaces: [Space] = []
    private var spaceCodes: [Space: Int] = [:]
    private var slots = RawVector<Int32>(capacity: 1 << 12)
    private var hashes = RawVector<UInt64>()
    private var offsets = RawVector<Int>()
    private var lengths = RawVector<Int32>()
    private var codes = RawVector<Int32>()
    private var ids = RawVector<Int64>()
    private var written = RawVector<Bool>()
    private var bytes = RawVector<UInt8>(capacity: 1 << 16)
    private var nextID: Int64 = 1
    /// Ids from here on were handed out here, one after the other; smaller ones are written.
    private var firstNewID: Int64 = 1
    private var entryOfNewID = RawVector<Int32>()
    /// Looks values up in the warehouse when they are not in memory; nil while the file is known to hold none.
    private var database: Database?
    /// Values whose first version has just been written: their members are due.
    private(set) var fresh: [Int64] = []

    init() {
        _ = slots.extend(by: 1 << 12)
        for i in 0..<slots.count { slots[i] = -1 }
    }

    deinit {
        slots.free()
        hashes.free()
        offsets.free()
        lengths.free()
        codes.free()
        ids.free()
        written.free()
        bytes.free()
        entryOfNewID.free()
    }

    /// Starts a transaction on a warehouse that already holds values.
    func attach(_ database: Database) throws {
        self.database = database
        let next = (try Int64.fetchOne(database, sql: "SELECT MAX(id) FROM source_value") ?? 0) + 1
        guard next > nextID else { return }
        nextID = next
        firstNewID = next
        entryOfNewID.removeAll()
    }

    func detach() { database = nil }

    func space(kind: String, service: String) -> Int {
        let space = Space(kind: kind, service: service)
        if let code = spaceCodes[space] { return code }
        spaces.append(space)
        spaceCodes[space] = spaces.count - 1
        return spaces.count - 1
    }

    /// The id of a text in a space; a new one when it has never been seen.
    @inline(__always) func id(_ space: Int, _ text: UnsafeRawBufferPointer) throws -> Int64 {
        let hash = SourceValues.hash(text, UInt64(space))
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while true {
            let entry = Int(slots[slot])
            if entry < 0 { return try insert(space, text, hash, slot) }
            if hashes[entry] == hash, Int(lengths[entry]) == text.count, codes[entry] == Int32(space), equal(entry, text) {
                return ids[entry]
            }
            slot = (slot + 1) & (slots.count - 1)
        }
    }

    func id(_ space: Int, _ text: String) throws -> Int64 {
        var text = text
        return try text.withUTF8 { try id(space, UnsafeRawBufferPointer($0)) }
    }

    @inline(__always) private func equal(_ entry: Int, _ text: UnsafeRawBufferPointer) -> Bool {
        let mine = UnsafeRawBufferPointer(start: bytes.base + offsets[entry], count: text.count)
        return mine.elementsEqual(text)
    }

    private static func hash(_ text: UnsafeRawBufferPointer, _ seed: UInt64) -> UInt64 {
        var hash = mixed(seed, UInt64(text.count))
        var i = 0
        while i + 8 <= text.count {
            hash = mixed(hash, text.loadUnaligned(fromByteOffset: i, as: UInt64.self))
            i += 8
        }
        var tail: UInt64 = 0
        while i < text.count {
            tail = tail << 8 | UInt64(text[i])
            i += 1
        }
        return mixed(hash, tail)
    }

    /// Keys of persons that were destroyed, as `<group>:<key id>`; values made with them read *erased*.
    var erased: Set<String> = []

    /// What a pseudonym of a destroyed key reads; nil for any other text.
    private func erasure(_ text: UnsafeRawBufferPointer) -> String? {
        guard !erased.isEmpty, text.starts(with: "p1:".utf8) else { return nil }
        let parts = String(decoding: text, as: UTF8.self).split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, erased.contains("\(parts[1]):\(parts[2])") else { return nil }
        return "p1:\(parts[1]):erased"
    }

    @inline(never) private func insert(_ space: Int, _ text: UnsafeRawBufferPointer, _ hash: UInt64, _ slot: Int) throws -> Int64 {
        if let erasure = erasure(text) { return try id(space, erasure) }
        var id: Int64?
        if let database {
            id = try Int64.fetchOne(
                database.cachedStatement(sql: "SELECT id FROM source_value WHERE kind = ? AND service = ? AND value = ?"),
                arguments: [spaces[space].kind, spaces[space].service, String(decoding: text, as: UTF8.self)])
        }
        let known = id != nil
        let entry = ids.count
        let value = id ?? nextID
        if id == nil {
            nextID += 1
            entryOfNewID.append(Int32(entry))
        }
        hashes.append(hash)
        let at = bytes.extend(by: text.count)
        for i in 0..<text.count { bytes[at + i] = text[i] }
        offsets.append(at)
        lengths.append(Int32(text.count))
        codes.append(Int32(space))
        ids.append(value)
        written.append(known)
        slots[slot] = Int32(entry)
        if ids.count * 2 > slots.count { rehash() }
        return value
    }

    private func rehash() {
        let size = slots.count * 2
        slots.removeAll()
        _ = slots.extend(by: size)
        for i in 0..<size { slots[i] = -1 }
        for entry in 0..<ids.count {
            var slot = Int(truncatingIfNeeded: hashes[entry]) & (size - 1)
            while slots[slot] >= 0 { slot = (slot + 1) & (size - 1) }
            slots[slot] = Int32(entry)
        }
    }

    /// Marks an id as used by a version about to be written.
    @inline(__always) func use(_ id: Int64, in database: Database) throws {
        guard id >= firstNewID else { return }
        let entry = Int(entryOfNewID[Int(id - firstNewID)])
        if !written[entry] { try write(entry, in: database) }
    }

    private func write(_ entry: Int, in database: Database) throws {
        let space = spaces[Int(codes[entry])]
        let text = String(decoding: UnsafeBufferPointer(start: bytes.base + offsets[entry], count: Int(lengths[entry])), as: UTF8.self)
        try database.cachedStatement(sql: "INSERT INTO source_value(id, kind, service, value, norm) VALUES (?, ?, ?, ?, ?)")
            .execute(arguments: [ids[entry], space.kind, space.service, text, SourceNames.normalised(text)])
        written[entry] = true
        fresh.append(ids[entry])
    }

    func takeFresh() -> [Int64] {
        defer { fresh = [] }
        return fresh
    }
}
