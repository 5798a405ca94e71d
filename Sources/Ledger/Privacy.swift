import Cleaning
import Crypto
import EventLog
import Glibc
import Projection

/// The keys behind pseudonyms, one a group of persons: from `BEDROT_KEY_<GROUP>` (64 hex digits), else `keys/<group>.key` (0600).
///
/// A pseudonym is `p1:<group>:<key id>:<hex>`: HMAC-SHA-256 over the normalised value, its first 16 bytes. The key id is the first four
/// bytes of the SHA-256 over a label and the key, so it says which key was used and nothing about it.
package struct KeyRing {
    private let folder: String
    private var keys: [String: (key: SymmetricKey, id: String)] = [:]

    init(_ layout: Layout) { folder = layout.path("keys") }

    private func path(_ group: String) -> String { "\(folder)/\(group).key" }

    /// The name of the variable that may hold a group's key.
    private static func variable(_ group: String) -> String { "BEDROT_KEY_\(group.uppercased())" }

    /// Whether a key is at hand.
    func has(_ group: String) -> Bool {
        getenv(Self.variable(group)).map { $0.pointee != 0 } ?? false || Files.exists(path(group))
    }

    private func load(_ group: String) throws -> (key: SymmetricKey, id: String) {
        let place: String
        let text: String
        if let value = getenv(Self.variable(group)), value.pointee != 0 {
            place = Self.variable(group)
            text = String(cString: value)
        } else {
            place = path(group)
            guard Files.exists(place) else { throw Self.missing(group) }
            var status = stat()
            guard stat(place, &status) == 0, status.st_mode & 0o077 == 0 else {
                throw LedgerError("\(place) can be read by others; close it: chmod 600 \(place)")
            }
            text = String(decoding: try Files.read(place), as: UTF8.self)
        }
        let digits = Array(text.utf8.prefix { $0 != 10 && $0 != 32 })
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
        }
        guard digits.count == 64, bytes.count == 32 else {
            throw LedgerError("\(place) holds no key: 64 hexadecimal digits are expected; restore it from your backup")
        }
        return (SymmetricKey(data: bytes), Self.identifier(bytes))
    }

    private static func identifier(_ key: [UInt8]) -> String {
        String(Hash256(hashing: Array("bedrot key id".utf8) + key).hex.prefix(8))
    }

    static func missing(_ group: String) -> CleaningError {
        CleaningError(
            code: "key_missing", message: "the file holds personal values of the group “\(group)” and there is no key to replace them with",
            remedy: "make one: bedrot keys create \(group); then feed the file again. Keep keys/ in your backups, apart from the ledger")
    }

    /// Loads a group's key once; throws ``CleaningError`` `key_missing` where there is none.
    mutating func use(_ group: String) throws -> (key: SymmetricKey, id: String) {
        if let known = keys[group] { return known }
        let loaded = try load(group)
        keys[group] = loaded
        return loaded
    }

    /// What stands for a normalised value.
    mutating func pseudonym(_ group: String, _ value: [UInt8]) throws -> [UInt8] {
        let (key, id) = try use(group)
        let code = HMAC<SHA256>.authenticationCode(for: value, using: key)
        let digits = Array("0123456789abcdef".utf8)
        return Array("p1:\(group):\(id):".utf8) + code.prefix(16).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    }

    /// What stands for a value as a person wrote it.
    mutating func pseudonym(_ group: String, of text: String) throws -> String {
        String(decoding: try pseudonym(group, Cleaner.normalised(personal: Array(text.utf8))), as: UTF8.self)
    }

    /// Replaces what the file name says of a person.
    mutating func hide(_ contract: Contract, in capture: inout Capture) throws {
        for (hole, group) in contract.personalHoles {
            guard let value = capture.fields[hole], !value.isEmpty else { continue }
            let made = try pseudonym(group, of: value)
            capture.fields[hole] = made
            capture.name = capture.name.replacing(value, with: String(made.suffix(32).prefix(8)))
        }
    }

    /// Makes a key file; returns the key's id. Refuses to replace one.
    func create(_ group: String) throws -> String {
        guard !group.isEmpty, group.utf8.allSatisfy({ $0 &- 97 < 26 || $0 &- 48 < 10 || $0 == 95 }) else {
            throw LedgerError("“\(group)” is no group name: use a-z, 0-9 and _")
        }
        guard !has(group) else { throw LedgerError("there is a key for “\(group)” already; values replaced with it would no longer match") }
        let key = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        let digits = Array("0123456789abcdef".utf8)
        try Files.makeFolder(folder)
        try AtomicFile.write(key.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] } + [10], to: path(group), mode: 0o600)
        return Self.identifier(key)
    }

    /// Overwrites a key file in its place and removes it.
    func destroy(_ group: String) throws {
        guard Files.exists(path(group)) else { return }
        let descriptor = Glibc.open(path(group), O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure("open", path(group), errno) }
        defer { close(descriptor) }
        let zeros = [UInt8](repeating: 48, count: 65)
        guard write(descriptor, zeros, zeros.count) == zeros.count, fsync(descriptor) == 0 else {
            throw FileFailure("overwrite", path(group), errno)
        }
        try Files.remove(path(group))
    }

    /// The id of a group's key, which must lie in its file: only there can it be destroyed.
    func erasable(_ group: String) throws -> String {
        guard getenv(Self.variable(group)).map({ $0.pointee == 0 }) ?? true else {
            throw LedgerError(
                "the key of “\(group)” comes from \(Self.variable(group)): remove it there, everywhere it is kept, then repeat")
        }
        return try load(group).id
    }

    /// Group and key id of each key file, by group.
    func list() throws -> [(group: String, id: String)] {
        try Files.list(folder).filter { $0.hasSuffix(".key") }.sorted().map { name in
            let group = String(name.dropLast(4))
            return (group, try load(group).id)
        }
    }

    /// The bytes sealed with a group's key (AES-256-GCM with a random nonce, in CryptoKit's combined form).
    mutating func seal(_ bytes: [UInt8], for group: String) throws -> [UInt8] {
        let key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: try use(group).key, info: Array("bedrot original".utf8), outputByteCount: 32)
        guard let sealed = try AES.GCM.seal(bytes, using: key).combined else { throw LedgerError("the original could not be sealed") }
        return Array(sealed)
    }

    /// What ``seal(_:for:)`` sealed.
    mutating func open(_ sealed: [UInt8], for group: String) throws -> [UInt8] {
        let key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: try use(group).key, info: Array("bedrot original".utf8), outputByteCount: 32)
        return Array(try AES.GCM.open(AES.GCM.SealedBox(combined: sealed), using: key))
    }
}

/// A file as it may be stored.
struct ProtectedFile {
    let bytes: [UInt8]
    let report: ProtectionReport
    /// File name for the protected form: a ZIP has become the table in it.
    let name: String
}

extension Lake {
    /// The protected form of a file; nil when its bytes may be stored as they are. Throws ``CleaningError`` when it cannot be protected.
    func protected(_ path: String, _ contract: Contract, _ secrets: SecretNames, _ keys: inout KeyRing) throws -> ProtectedFile? {
        guard Cleaner.mustProtect(contract) else { return nil }
        for group in Set(contract.columns.compactMap(\.personal)).sorted() { _ = try keys.use(group) }
        let source = try CaptureReader.source(of: path)
        let made: (bytes: [UInt8], report: ProtectionReport)
        do {
            made = try Cleaner.protect(source, under: contract, secrets: secrets) { try keys.pseudonym($0, $1) }
        } catch let error as CleaningError where contract.setAside && error.code == "not_json" {
            // Nobody reads a file that is set aside, so here is the one place to see that it is cut off.
            throw error
        } catch let error as CleaningError where !contract.isPersonal && !["key_missing", "secret_unreadable"].contains(error.code) {
            // Nothing personal is expected in it: the cleaner will say what is wrong, with the bytes at hand.
            return nil
        }
        guard contract.isPersonal || !made.report.isClean else { return nil }
        var name = Files.name(path)
        if name.lowercased().hasSuffix(".zip") {
            name = "\(name.dropLast(4)).\(contract.isPage ? "html" : contract.rawIsDocument ? "json" : "csv")"
        }
        return ProtectedFile(bytes: made.bytes, report: made.report, name: name)
    }

    /// Puts the protected form of a file that lies in landing in its place; the original is sealed beside it or gone, as the contract says.
    ///
    /// A file outside of landing stays what it is: it is the person's.
    func settleOriginal(_ path: String, _ capture: Capture, _ contract: Contract, _ keys: inout KeyRing) throws {
        guard let real = Files.realPath(path), let base = Files.realPath(layout.folder(.landing)), real.hasPrefix(base + "/"),
            try DraftFile.digest(of: real) != capture.object
        else { return }
        if contract.original == .encrypted, let group = contract.columns.compactMap(\.personal).first {
            try AtomicFile.write(
                try keys.seal(try Files.read(real), for: group), to: "\(Files.parent(real))/\(capture.name).sealed", mode: 0o600)
        }
        Failpoint.hit("original.sealed")
        // Its place is never empty: under its own name it is replaced at once, else it goes when the other is there.
        let target = "\(Files.parent(real))/\(capture.name)"
        try objects.place(capture.object, at: target)
        Failpoint.hit("original.placed")
        if target != real { try Files.remove(real) }
    }

    /// Finishes what a killed run began: an original that still lies in the place of its protected form.
    ///
    /// A file that somebody has put there since is left alone: it protects to something else.
    func finishOriginal(_ capture: Capture, _ contract: Contract, _ secrets: SecretNames, _ keys: inout KeyRing) throws {
        let path = layout.path(capture.landing)
        guard Files.exists(path), try DraftFile.digest(of: path) != capture.object,
            let safe = try? protected(path, contract, secrets, &keys), Hash256(hashing: safe.bytes) == capture.object
        else { return }
        try settleOriginal(path, capture, contract, &keys)
    }

    /// Makes the key of a group of persons.
    package func createKey(_ group: String) throws -> String { try KeyRing(layout).create(group) }

    /// The keys at hand.
    package func keys() throws -> [(group: String, id: String)] { try KeyRing(layout).list() }

    /// What a sealed original holds.
    package func unsealed(_ path: String, group: String) throws -> [UInt8] {
        var keys = KeyRing(layout)
        do {
            return try keys.open(try Files.read(path), for: group)
        } catch is CryptoKitError {
            throw LedgerError("\(path) was not sealed with the key of “\(group)” that is here, or it is damaged")
        }
    }

    /// Destroys a group's key and says so in the log; its members can never be told again, and every replay reads them as erased.
    ///
    /// The event comes first: an interruption leaves a key that the log calls destroyed, and repeating the command destroys it.
    package func eraseSubjects(_ group: String, reason: String) throws -> Int64 {
        let ring = KeyRing(layout)
        let id = try ring.erasable(group)
        let body: JSON = ["group": .string(group), "key": .string(id), "reason": .string(reason)]
        let known = try log.read { transaction in
            try transaction.events(EventQuery(types: [EventType.subjectErased.rawValue])).first {
                $0.body["group"]?.string == group && $0.body["key"]?.string == id
            }
        }
        let seq = try known?.seq ?? log.write { try $0.append(draft("reference/subject", .subjectErased, run: nil, body)) }.seq
        try ring.destroy(group)
        try log.catchUpIndexes()
        return seq
    }
}
