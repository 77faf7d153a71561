package account

import (
	"encoding/json"

	"github.com/menshen-auth/menshen/db"
	"github.com/menshen-auth/menshen/gen"
	"github.com/menshen-auth/menshen/impl/internal/address"
	"github.com/menshen-auth/menshen/impl/internal/authn"
	"github.com/menshen-auth/menshen/impl/internal/optional"
	"github.com/menshen-auth/menshen/impl/internal/wire"
)

func baseUser(u db.User) *gen.BaseUser {
	return &gen.BaseUser{
		ID:        u.ID,
		Username:  optional.Value(u.Username),
		AvatarURL: photo(u),
		CreatedAt: wire.BaseTime(u.CreatedAt),
		UpdatedAt: wire.BaseTime(u.UpdatedAt),
	}
}

func captchaLoginUser(u db.User) gen.CaptchaLoginUser {
	return gen.CaptchaLoginUser{
		UserID:   u.ID,
		UserName: optional.Value(u.Username),
		Email:    optional.Value(u.Email),
		Phone:    optional.Value(u.Phone),
		NickName: displayName(u),
		HeadImg:  photo(u),
	}
}

// passwordCredentials reads which of the four fields names the user.
func passwordCredentials(p *gen.AuthenticateByPasswordDto) (Credentials, error) {
	if p == nil {
		return Credentials{}, ErrOneIdentifier
	}
	var given []Credentials
	for _, field := range []struct {
		idType IDType
		value  *string
	}{{"", p.Account}, {ByUsername, p.Username}, {ByEmail, p.Email}, {ByPhone, p.Phone}} {
		if value := optional.Value(field.value); value != "" {
			if field.idType == "" {
				field.idType = identifierKind(value)
			}
			given = append(given, Credentials{Type: field.idType, Account: value, Password: p.Password})
		}
	}
	if len(given) != 1 {
		return Credentials{}, ErrOneIdentifier
	}
	return given[0], nil
}

// eitherCode is the code that was sent, of the authenticator or for recovery.
func eitherCode(totp, recoveryCode *string) (authn.Code, error) {
	switch {
	case optional.Value(totp) != "":
		return authn.Code{Text: *totp, Kind: authn.TOTPCode}, nil
	case optional.Value(recoveryCode) != "":
		return authn.Code{Text: *recoveryCode, Kind: authn.RecoveryCode}, nil
	case recoveryCode != nil:
		return authn.Code{}, ErrNoRecoveryCode
	}
	return authn.Code{}, authn.ErrNoCode
}

// ownColumns are the members of CreateUserReqDto that have a column of their own. All others are the profile, which is
// stored under the contract's names.
var ownColumns = []string{
	"status", "email", "phone", "phoneCountryCode", "username", "externalId", "password", "emailVerified",
	"phoneVerified", "gender", "customData", "identities", "otp",
}

// unkept are the members of CreateUserReqDto that Menshen does not keep.
var unkept = []string{"departmentIds", "identityNumber", "metadataSource", "options", "salt", "tenantIds"}

func newUser(dto gen.CreateUserReqDto) (NewUser, error) {
	profile := db.Members{}
	if err := convert(dto, &profile); err != nil {
		return NewUser{}, err
	}
	for _, member := range unkept {
		if profile[member] != nil {
			return NewUser{}, ErrUnkept.WithDetail(member)
		}
	}
	switch { // of what the service takes for absent
	case dto.Password != nil && *dto.Password == "":
		return NewUser{}, ErrPassword
	case dto.Email != nil && *dto.Email == "":
		return NewUser{}, ErrEmail
	}
	for _, member := range ownColumns {
		delete(profile, member)
	}
	n := NewUser{
		Username:         optional.Value(dto.Username),
		Email:            optional.Value(dto.Email),
		Phone:            optional.Value(dto.Phone),
		PhoneCountryCode: optional.Value(dto.PhoneCountryCode),
		ExternalID:       optional.Value(dto.ExternalID),
		Password:         optional.Value(dto.Password),
		Status:           string(optional.Value(dto.Status)),
		Gender:           string(optional.Value(dto.Gender)),
		EmailVerified:    optional.Value(dto.EmailVerified),
		PhoneVerified:    optional.Value(dto.PhoneVerified),
		Profile:          profile,
		CustomData:       dto.CustomData,
	}
	if dto.OTP != nil {
		n.OTP, n.RecoveryCode = dto.OTP.Secret, optional.Value(dto.OTP.RecoveryCode)
	}
	for _, i := range dto.Identities {
		n.Identities = append(n.Identities, db.Identity{
			ExtIdpID: i.ExtIdpID, Provider: i.Provider, Type: optional.Value(i.Type), UserIDInIdp: i.UserIDInIdp,
			UserInfo: db.JSON(i.UserInfoInIdp), OriginConnIDs: i.OriginConnIds,
		})
	}
	return n, nil
}

func userDto(u db.User) (*gen.UserDto, error) {
	dto := &gen.UserDto{}
	if err := convert(u.Profile, dto); err != nil {
		return nil, err
	}
	dto.UserID = u.ID
	dto.CreatedAt, dto.UpdatedAt = u.CreatedAt.UTC(), u.UpdatedAt.UTC()
	dto.Status = gen.UserStatus(u.Status)
	dto.WorkStatus = gen.UserDtoWorkStatusActive
	dto.Gender = gen.Gender(u.Gender)
	dto.UserSourceType = gen.UserDtoUserSourceType(u.Source)
	dto.EmailVerified, dto.PhoneVerified = u.EmailVerified, u.PhoneVerified
	dto.Username, dto.Email, dto.ExternalID = u.Username, u.Email, u.ExternalID
	dto.LoginsCount, dto.LastIP = &u.LoginsCount, u.LastIP
	if u.LastLoginAt != nil {
		dto.LastLogin = optional.Of(u.LastLoginAt.UTC())
	}
	if u.Phone != nil {
		countryCode, national := address.SplitPhone(*u.Phone)
		dto.Phone, dto.PhoneCountryCode = &national, optional.Of(countryCode)
	}
	return dto, nil
}

func identityDtos(rows []db.Identity) []gen.IdentityDto {
	list := make([]gen.IdentityDto, len(rows))
	for i, r := range rows {
		list[i] = gen.IdentityDto{
			IdentityID: r.ID, ExtIdpID: r.ExtIdpID, Provider: r.Provider, Type: r.Type, UserIDInIdp: r.UserIDInIdp,
			UserInfoInIdp: json.RawMessage(r.UserInfo), OriginConnIds: r.OriginConnIDs,
		}
	}
	return list
}

// convert goes by way of JSON between two types that share the contract's names.
func convert(from, to any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}
