/// From the fields of a line to its cells: a fast way for columns of plain kinds and a general one.
extension RowEngine {
    /// Types one line whose fields are all as plain as nearly all are; otherwise returns false and has changed nothing that counts.
    @unsafe @inline(never) mutating func typePlain(
        _ base: UnsafeMutablePointer<UInt8>, _ out: UnsafeMutablePointer<Int64>, _ arena: UnsafeMutablePointer<UInt8>, _ used: inout Int,
        _ hash: UnsafeMutablePointer<UInt64>
    ) -> Bool {
        let starts = unsafe starts
        let ends = unsafe ends
        let groups = groups
        var sum: UInt64 = 0
        var inexact = 0
        var at = used
        var plan = unsafe grouped
        let first = unsafe grouped
        while unsafe plan < first + groups.nothing {
            unsafe out[plan.pointee.column] = StagedBatch.null
            unsafe plan += 1
        }
        while unsafe plan < first + groups.country {
            let begin = unsafe starts[plan.pointee.source]
            let length = unsafe ends[plan.pointee.source] &- begin
            if length == 0 {
                if unsafe plan.pointee.required { return false }
                unsafe out[plan.pointee.column] = StagedBatch.null
            } else {
                if unsafe plan >= first + groups.text {
                    if unsafe plan.pointee.kind == .isrc {
                        guard length == 12, unsafe Self.isISRC(base + begin) else { return false }
                    } else {
                        guard length == 2, unsafe base[begin] &- 65 < 26, unsafe base[begin &+ 1] &- 65 < 26 else { return false }
                    }
                }
                unsafe sum &+= Self.keep(base + begin, length, arena + at, plan.pointee.keyA, plan.pointee.keyB)
                unsafe out[plan.pointee.column] = Int64(truncatingIfNeeded: at) << 32 | Int64(truncatingIfNeeded: length)
                at &+= length
            }
            unsafe plan += 1
        }
        while unsafe plan < first + groups.month {
            let begin = unsafe starts[plan.pointee.source]
            let length = unsafe ends[plan.pointee.source] &- begin
            var value = StagedBatch.null
            if length == 0 {
                if unsafe plan.pointee.required { return false }
            } else if unsafe plan < first + groups.day {
                let p = unsafe UnsafeRawPointer(base + begin)
                let head = unsafe p.loadUnaligned(as: UInt64.self)
                let tail = unsafe p.loadUnaligned(fromByteOffset: 8, as: UInt16.self)
                guard length == 10 else { return false }
                if unsafe head == plan.pointee.lastHead && tail == plan.pointee.lastTail {
                    value = unsafe plan.pointee.lastDay
                } else {
                    guard let day = unsafe CalendarDay.day([UInt8](UnsafeRawBufferPointer(start: p, count: length))) else { return false }
                    unsafe plan.pointee.lastHead = head
                    unsafe plan.pointee.lastTail = tail
                    unsafe plan.pointee.lastDay = day
                    value = day
                }
                unsafe sum &+= RowHash.number(value, plan.pointee.keyA, plan.pointee.keyB)
            } else {
                value = unsafe length == 7 ? Self.month(base + begin) : -1
                if value < 0 { return false }
                unsafe sum &+= RowHash.number(value, plan.pointee.keyA, plan.pointee.keyB)
            }
            unsafe out[plan.pointee.column] = value
            unsafe plan += 1
        }
        while unsafe plan < first + groups.nano {
            let begin = unsafe starts[plan.pointee.source]
            let length = unsafe ends[plan.pointee.source] &- begin
            var value = StagedBatch.null
            if length == 0 {
                if unsafe plan.pointee.required { return false }
            } else {
                let p = unsafe UnsafeRawPointer(base + begin)
                let scale = unsafe plan < first + groups.integer ? 0 : 9
                value = unsafe scale == 0 ? PlainNumber.integer(p, length) : PlainNumber.nano(p, length)
                if value == PlainNumber.notPlain {
                    let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: p, count: length))
                    guard case .value(let parsed, let exact) = PlainNumber.parse(bytes, scale: scale) else { return false }
                    value = parsed
                    inexact &+= exact ? 0 : 1
                }
                if value < 0, unsafe !plan.pointee.negative { return false }
                unsafe sum &+= RowHash.number(value, plan.pointee.keyA, plan.pointee.keyB)
            }
            unsafe out[plan.pointee.column] = value
            unsafe plan += 1
        }
        used = at
        rounded &+= inexact
        unsafe hash.pointee = RowHash.last(sum)
        return true
    }

    /// Copies a text into the arena and returns its share of the row's hash. Reads and writes up to 15 bytes beyond it.
    @inline(__always) @unsafe private static func keep(
        _ source: UnsafeMutablePointer<UInt8>, _ length: Int, _ target: UnsafeMutablePointer<UInt8>, _ keyA: UInt64, _ keyB: UInt64
    ) -> UInt64 {
        let from = UnsafeRawPointer(source)
        let to = UnsafeMutableRawPointer(target)
        var hash = keyA ^ UInt64(truncatingIfNeeded: length) &* RowHash.lengthKey
        // Sixteen bytes a turn: most texts take one, without a branch on their length.
        var i = 0
        var left = length
        while left > 16 {
            let first = unsafe from.loadUnaligned(fromByteOffset: i, as: UInt64.self)
            let second = unsafe from.loadUnaligned(fromByteOffset: i &+ 8, as: UInt64.self)
            unsafe to.storeBytes(of: first, toByteOffset: i, as: UInt64.self)
            unsafe to.storeBytes(of: second, toByteOffset: i &+ 8, as: UInt64.self)
            hash = RowHash.fold(hash ^ UInt64(littleEndian: first), keyB ^ UInt64(littleEndian: second))
            i &+= 16
            left &-= 16
        }
        let first = unsafe from.loadUnaligned(fromByteOffset: i, as: UInt64.self)
        let second = unsafe from.loadUnaligned(fromByteOffset: i &+ 8, as: UInt64.self)
        unsafe to.storeBytes(of: first, toByteOffset: i, as: UInt64.self)
        unsafe to.storeBytes(of: second, toByteOffset: i &+ 8, as: UInt64.self)
        let bits = UInt64(truncatingIfNeeded: left &* 8)
        // A Swift shift by 64 or more gives 0, so both masks come without a branch.
        let none = UInt64.max
        let firstMask = ~(none << bits)
        let secondMask = bits > 64 ? ~(none << (bits &- 64)) : 0
        return RowHash.fold(hash ^ (UInt64(littleEndian: first) & firstMask), keyB ^ (UInt64(littleEndian: second) & secondMask))
    }

    /// Types one line. Returns 0, or reason << 16 | column + 1.
    @unsafe @inline(never) mutating func type(
        _ base: UnsafeMutablePointer<UInt8>, _ plans: UnsafeMutablePointer<Plan>, _ width: Int, _ out: UnsafeMutablePointer<Int64>,
        _ arena: UnsafeMutablePointer<UInt8>, _ used: inout Int, _ hash: UnsafeMutablePointer<UInt64>
    ) -> Int {
        let starts = unsafe starts
        let ends = unsafe ends
        var sum: UInt64 = 0
        var inexact = 0
        var odd = 0
        var at = used
        for column in 0..<width {
            let plan = unsafe plans + column
            let kind = unsafe plan.pointee.kind
            if kind == .nothing {
                unsafe out[column] = StagedBatch.null
                continue
            }
            let source = unsafe plan.pointee.source
            let begin = unsafe starts[source]
            let length = unsafe ends[source] &- begin
            if length == 0 {
                if unsafe plan.pointee.required { return Self.failure(.missing, column) }
                unsafe out[column] = StagedBatch.null
                continue
            }
            let p = unsafe UnsafeRawPointer(base + begin)
            if unsafe plan.pointee.asksNullsFirst, unsafe isNull(column, true, UnsafeRawBufferPointer(start: p, count: length)) {
                if unsafe plan.pointee.required { return Self.failure(.missing, column) }
                unsafe out[column] = StagedBatch.null
                continue
            }
            var value: Int64
            switch kind {
            case .nothing: continue
            case .text, .isrc, .country, .words:
                if kind == .isrc {
                    let good = unsafe length == 12 && Self.isISRC(base + begin)
                    if !good {
                        if unsafe isNull(column, plan.pointee.hasNullWords, UnsafeRawBufferPointer(start: p, count: length)) {
                            if unsafe plan.pointee.required { return Self.failure(.missing, column) }
                            unsafe out[column] = StagedBatch.null
                            continue
                        }
                        guard unsafe plan.pointee.isLenient else { return Self.failure(.form, column) }
                        if let code = unsafe CellText.isrc([UInt8](UnsafeRawBufferPointer(start: p, count: length))) {
                            // There is room: what is taken away never makes it longer.
                            for i in 0..<12 { unsafe arena[at &+ i] = code[i] }
                            unsafe sum &+= Self.keep(arena + at, 12, arena + at, plan.pointee.keyA, plan.pointee.keyB)
                            unsafe out[column] = Int64(truncatingIfNeeded: at) << 32 | 12
                            at &+= 12
                            continue
                        }
                        if unsafe plan.pointee.required { return Self.failure(.form, column) }
                        odd &+= 1
                        unsafe out[column] = StagedBatch.null
                        continue
                    }
                } else if kind == .country {
                    let two = unsafe length == 2 && base[begin] &- 65 < 26 && base[begin &+ 1] &- 65 < 26
                    if !two {
                        switch unsafe word(column, UnsafeRawBufferPointer(start: p, count: length)) {
                        case .value: break
                        case .null:
                            if unsafe plan.pointee.required { return Self.failure(.missing, column) }
                            unsafe out[column] = StagedBatch.null
                            continue
                        case .unknown: return Self.failure(.form, column)
                        }
                    }
                } else if unsafe kind == .words || plan.pointee.hasNullWords {
                    switch unsafe word(column, UnsafeRawBufferPointer(start: p, count: length)) {
                    case .value: break
                    case .null:
                        if unsafe plan.pointee.required { return Self.failure(.missing, column) }
                        unsafe out[column] = StagedBatch.null
                        continue
                    case .unknown:
                        if kind == .words { return Self.failure(.form, column) }
                    }
                }
                unsafe sum &+= Self.keep(base + begin, length, arena + at, plan.pointee.keyA, plan.pointee.keyB)
                unsafe out[column] = Int64(truncatingIfNeeded: at) << 32 | Int64(truncatingIfNeeded: length)
                at &+= length
                continue
            case .day:
                let head = unsafe p.loadUnaligned(as: UInt64.self)
                let tail = unsafe p.loadUnaligned(fromByteOffset: 8, as: UInt16.self)
                if unsafe length == 10 && head == plan.pointee.lastHead && tail == plan.pointee.lastTail {
                    value = unsafe plan.pointee.lastDay
                } else {
                    let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: p, count: length))
                    if let day = CalendarDay.day(bytes) {
                        unsafe plan.pointee.lastHead = head
                        unsafe plan.pointee.lastTail = tail
                        unsafe plan.pointee.lastDay = day
                        value = day
                    } else if let day = CalendarDay.day(trimmed(bytes)) {
                        value = day
                    } else {
                        value = StagedBatch.null
                        if !isNull(column, unsafe plan.pointee.hasNullWords, bytes) { return Self.failure(.form, column) }
                    }
                }
            case .yearlessDay:
                let bytes = unsafe trimmed([UInt8](UnsafeRawBufferPointer(start: p, count: length)))
                if let day = CalendarDay.day(bytes) {
                    value = day
                } else if let date = CalendarDay.monthDay(bytes) {
                    value = YearProof.withoutYear(month: date.month, day: date.day)
                } else {
                    value = StagedBatch.null
                    if !isNull(column, unsafe plan.pointee.hasNullWords, bytes) { return Self.failure(.form, column) }
                }
            case .month:
                value = unsafe length == 7 ? Self.month(base + begin) : -1
                if value < 0 {
                    let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: p, count: length))
                    if let month = CalendarDay.month(String(decoding: trimmed(bytes), as: UTF8.self)) {
                        value = month
                    } else {
                        value = StagedBatch.null
                        if !isNull(column, unsafe plan.pointee.hasNullWords, bytes) { return Self.failure(.form, column) }
                    }
                }
            case .integer, .nano:
                let number = kind == .integer ? unsafe PlainNumber.integer(p, length) : unsafe PlainNumber.nano(p, length)
                if number != PlainNumber.notPlain {
                    value = number
                } else {
                    let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: p, count: length))
                    switch PlainNumber.parse(bytes, scale: kind == .integer ? 0 : 9, thousands: words[column].thousands) {
                    case .value(let parsed, let exact):
                        value = parsed
                        if !exact { inexact &+= 1 }
                    case .overflow: return Self.failure(.overflow, column)
                    case .malformed:
                        value = StagedBatch.null
                        if !isNull(column, unsafe plan.pointee.hasNullWords, bytes) { return Self.failure(.form, column) }
                    }
                }
                if value < 0, value != StagedBatch.null, unsafe !plan.pointee.negative { return Self.failure(.negative, column) }
            case .flag:
                let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: p, count: length))
                switch folded(String(decoding: bytes, as: UTF8.self)) {
                case "1", "true", "yes": value = 1
                case "0", "false", "no": value = 0
                default:
                    value = StagedBatch.null
                    if !isNull(column, unsafe plan.pointee.hasNullWords, bytes) { return Self.failure(.form, column) }
                }
            }
            unsafe out[column] = value
            if value == StagedBatch.null {
                if unsafe plan.pointee.required { return Self.failure(.missing, column) }
            } else {
                unsafe sum &+= RowHash.number(value, plan.pointee.keyA, plan.pointee.keyB)
            }
        }
        used = at
        rounded &+= inexact
        withoutISRC &+= odd
        unsafe hash.pointee = RowHash.last(sum)
        return 0
    }

    @inline(__always) private static func failure(_ reason: Verdict.Reason, _ column: Int) -> Int {
        Int(reason.rawValue) << 16 | (column + 1)
    }

    @inline(never) private func isNull(_ column: Int, _ has: Bool, _ bytes: some Collection<UInt8>) -> Bool {
        let bare = trimmed(Array(bytes))
        return bare.isEmpty || (has && words[column].nulls.contains(bare))
    }

    private enum WordMeaning { case value, null, unknown }

    @inline(never) @unsafe private func word(_ column: Int, _ bytes: UnsafeRawBufferPointer) -> WordMeaning {
        for null in words[column].nulls where unsafe null.elementsEqual(bytes) { return .null }
        for value in words[column].values where unsafe value.elementsEqual(bytes) { return .value }
        return .unknown
    }

    @inline(__always) @unsafe private static func isISRC(_ p: UnsafeMutablePointer<UInt8>) -> Bool {
        var bad: UInt8 = 0
        unsafe bad |= p[0] &- 65 < 26 ? 0 : 1
        unsafe bad |= p[1] &- 65 < 26 ? 0 : 1
        for i in 2..<5 { unsafe bad |= p[i] &- 65 < 26 || p[i] &- 48 < 10 ? 0 : 1 }
        for i in 5..<12 { unsafe bad |= p[i] &- 48 < 10 ? 0 : 1 }
        return bad == 0
    }

    /// `YYYY-MM` as a month number, or −1.
    @inline(__always) @unsafe private static func month(_ p: UnsafeMutablePointer<UInt8>) -> Int64 {
        let y0 = unsafe p[0] &- 48
        let y1 = unsafe p[1] &- 48
        let y2 = unsafe p[2] &- 48
        let y3 = unsafe p[3] &- 48
        let m0 = unsafe p[5] &- 48
        let m1 = unsafe p[6] &- 48
        let digits = y0 < 10 && y1 < 10 && y2 < 10 && y3 < 10 && m0 < 2 && m1 < 10
        guard digits, unsafe p[4] == UInt8(ascii: "-") else { return -1 }
        let year = Int64(y0) &* 1_000 &+ Int64(y1) &* 100 &+ Int64(y2) &* 10 &+ Int64(y3)
        let month = Int64(m0) &* 10 &+ Int64(m1)
        return month >= 1 && month <= 12 ? year &* 12 &+ month &- 1 : -1
    }
}
