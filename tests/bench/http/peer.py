# SPDX-License-Identifier: Apache-2.0
"""The same three answers from FastAPI, uvicorn and SQLAlchemy, over the same PostgreSQL data.

Written as such a service usually is: async engine with a pool, mapped tables, response models.
DATABASE_URL is that of demeter; started by tests/bench/http/run.
"""
import datetime
import os
import uuid

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship

engine = create_async_engine(os.environ["PEER_DATABASE_URL"], pool_size=30, max_overflow=20)
Session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class Product(Base):
    __tablename__ = "products"
    id: Mapped[int] = mapped_column(primary_key=True)
    product_family_id: Mapped[int]
    sku: Mapped[str]
    common_name: Mapped[str]
    scientific_name: Mapped[str | None]
    description: Mapped[str | None]
    created_at: Mapped[datetime.datetime]
    updated_at: Mapped[datetime.datetime | None]


class Warehouse(Base):
    __tablename__ = "warehouses"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    name: Mapped[str]


class Area(Base):
    __tablename__ = "storage_areas"
    id: Mapped[int] = mapped_column(primary_key=True)
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouses.id"))
    code: Mapped[str]
    name: Mapped[str]
    warehouse: Mapped[Warehouse] = relationship()


class Photo(Base):
    __tablename__ = "photo_processing_sessions"
    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[uuid.UUID]
    storage_location_id: Mapped[int | None]
    status: Mapped[str]
    total_detected: Mapped[int]
    total_estimated: Mapped[int]
    captured_at: Mapped[datetime.datetime]


class Location(Base):
    __tablename__ = "storage_locations"
    id: Mapped[int] = mapped_column(primary_key=True)
    storage_area_id: Mapped[int] = mapped_column(ForeignKey("storage_areas.id"))
    latest_session_id: Mapped[int | None] = mapped_column(ForeignKey("photo_processing_sessions.id"))
    code: Mapped[str]
    name: Mapped[str]
    description: Mapped[str | None]
    active: Mapped[bool]
    area: Mapped[Area] = relationship()
    latest: Mapped[Photo | None] = relationship()


class Config(Base):
    __tablename__ = "storage_location_configs"
    id: Mapped[int] = mapped_column(primary_key=True)
    storage_location_id: Mapped[int]
    product_id: Mapped[int]
    packaging_catalog_id: Mapped[int | None]
    area_cm2: Mapped[float]
    active: Mapped[bool]


class Bin(Base):
    __tablename__ = "storage_bins"
    id: Mapped[int] = mapped_column(primary_key=True)
    storage_location_id: Mapped[int]
    category: Mapped[str]


class Batch(Base):
    __tablename__ = "stock_batches"
    id: Mapped[int] = mapped_column(primary_key=True)
    storage_bin_id: Mapped[int] = mapped_column(ForeignKey("storage_bins.id"))
    quantity_current: Mapped[int]


class ProductOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    product_family_id: int
    sku: str
    common_name: str
    scientific_name: str | None
    description: str | None
    created_at: datetime.datetime
    updated_at: datetime.datetime | None


class Named(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    code: str
    name: str


class ConfigOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    product_id: int
    packaging_catalog_id: int | None
    area_cm2: float


class SessionOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    uuid: uuid.UUID
    status: str
    total_detected: int
    total_estimated: int
    captured_at: datetime.datetime


class DetailOut(BaseModel):
    location: Named
    area: Named
    warehouse: Named
    config: ConfigOut | None
    latest_session: SessionOut | None
    total_quantity: int
    by_category: dict[str, int]


app = FastAPI()


async def database():
    async with Session() as session:
        yield session


@app.get("/health")
async def health():
    return {"status": "healthy", "service": "DemeterAI v2.0"}


@app.get("/api/v1/products/", response_model=list[ProductOut])
async def products(skip: int = 0, limit: int = 100, db: AsyncSession = Depends(database)):
    rows = await db.execute(select(Product).order_by(Product.id).offset(skip).limit(limit))
    return rows.scalars().all()


@app.get("/api/v1/storage-locations/{location_id}/detail", response_model=DetailOut)
async def detail(location_id: int, db: AsyncSession = Depends(database)):
    found = await db.execute(
        select(Location)
        .where(Location.id == location_id, Location.active)
        .options(joinedload(Location.area).joinedload(Area.warehouse), joinedload(Location.latest)))
    location = found.scalar_one_or_none()
    if location is None:
        raise HTTPException(404, "Storage location not found")
    config = (await db.execute(
        select(Config).where(Config.storage_location_id == location_id, Config.active))).scalar_one_or_none()
    stock = (await db.execute(
        select(Bin.category, func.sum(Batch.quantity_current))
        .join(Batch, Batch.storage_bin_id == Bin.id)
        .where(Bin.storage_location_id == location_id)
        .group_by(Bin.category))).all()
    return DetailOut(
        location=Named.model_validate(location), area=Named.model_validate(location.area),
        warehouse=Named.model_validate(location.area.warehouse),
        config=ConfigOut.model_validate(config) if config else None,
        latest_session=SessionOut.model_validate(location.latest) if location.latest else None,
        total_quantity=sum(n for _, n in stock), by_category={c: n for c, n in stock})
